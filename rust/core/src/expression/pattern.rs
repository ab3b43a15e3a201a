//! Regular expressions, in time linear in the text.

use std::error::Error;
use std::ops::Range;
use std::sync::Mutex;

use regex_automata::nfa::thompson::pikevm::{Cache, PikeVM};
use regex_automata::nfa::thompson::{BuildError, Config, NFA};
use regex_automata::util::syntax;

/// Bytes of a pattern at most, and of what one is compiled to.
const MOST_BYTES: usize = 1_000;
const MOST_MEMORY: usize = 1 << 20;

/// A pattern, and the group that is asked for.
#[derive(Debug)]
pub struct Pattern {
    engine: PikeVM,
    group: usize,
    rooms: Mutex<Vec<Cache>>,
}

impl Pattern {
    pub fn new(pattern: &str, group: usize, memory: &mut usize) -> Result<Self, String> {
        if pattern.len() > MOST_BYTES {
            return Err(format!(
                "a pattern of {} bytes is too long: {MOST_BYTES} are allowed",
                pattern.len()
            ));
        }
        let config = Config::new().nfa_size_limit(Some(MOST_MEMORY.min(*memory)));
        let refused = |error: BuildError| {
            // The reason itself is the innermost one.
            let mut cause: &dyn Error = &error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            let reason = cause.to_string();
            let reason = reason.trim().lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("the pattern '{pattern}' cannot be used: {reason}")
        };
        let syntax = syntax::Config::new().nest_limit(50);
        let nfa = NFA::compiler().syntax(syntax).configure(config).build(pattern).map_err(refused)?;
        *memory = memory.saturating_sub(nfa.memory_usage());
        let engine = PikeVM::new_from_nfa(nfa).map_err(refused)?;
        let groups = engine.get_nfa().group_info().group_len(regex_automata::PatternID::ZERO);
        if group >= groups {
            return Err(format!("the pattern '{pattern}' has no group {group}"));
        }
        Ok(Self { engine, group, rooms: Mutex::new(Vec::new()) })
    }

    /// Runs `search` with room of its own; threads do not wait for each other.
    fn with_room<R>(&self, search: impl FnOnce(&mut Cache) -> R) -> R {
        let room = self.rooms.lock().ok().and_then(|mut rooms| rooms.pop());
        let mut room = room.unwrap_or_else(|| self.engine.create_cache());
        let found = search(&mut room);
        if let Ok(mut rooms) = self.rooms.lock() {
            rooms.push(room);
        }
        found
    }

    /// Is it anywhere in the text?
    pub fn matches(&self, text: &str) -> bool {
        self.with_room(|room| self.engine.is_match(room, text))
    }

    /// Where the group lies in the leftmost match.
    pub fn find(&self, text: &str) -> Option<Range<usize>> {
        self.with_room(|room| {
            let mut found = self.engine.create_captures();
            self.engine.captures(room, text, &mut found);
            found.get_group(self.group).map(|span| span.range())
        })
    }
}
