//! Dates and times of ISO 8601: `2024-02-29`, then `T` or a space, `23:59`, `:59`, `.25`, and `Z` or `+02:00`.

/// A date and a time of day as they stand there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Date {
    pub year: u32,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: f64,
    /// Minutes ahead of UTC.
    pub ahead: f64,
}

/// Reads what stands at the beginning of a text.
struct Reader<'t>(&'t [u8]);

impl Reader<'_> {
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (head, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        head.iter().try_fold(0, |n, c| c.is_ascii_digit().then(|| 10 * n + u32::from(c - b'0')))
    }

    fn skip(&mut self, any: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        any.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }
}

/// `None` if the text is no date.
pub fn parse(text: &str) -> Option<Date> {
    let mut r = Reader(text.trim_ascii().as_bytes());
    let year = r.number(4)?;
    r.skip(b"-")?;
    let month = r.number(2)?;
    r.skip(b"-")?;
    let day = r.number(2)?;
    let mut date = Date { year, month, day, hour: 0, minute: 0, second: 0.0, ahead: 0.0 };
    if r.skip(b"T ").is_some() {
        date.hour = r.number(2)?;
        r.skip(b":")?;
        date.minute = r.number(2)?;
        if r.skip(b":").is_some() {
            date.second = f64::from(r.number(2)?);
            if r.skip(b".").is_some() {
                let digits = r.0.iter().take_while(|c| c.is_ascii_digit()).count();
                let (head, rest) = r.0.split_at_checked(digits)?;
                date.second +=
                    std::str::from_utf8(head).ok().and_then(|f| format!("0.{f}").parse::<f64>().ok())?;
                r.0 = rest;
            }
        }
        match r.skip(b"Z+-") {
            None | Some(b'Z') => {}
            Some(sign) => {
                let hours = r.number(2)?;
                r.skip(b":");
                let minutes = r.number(2)?;
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let ahead = f64::from(60 * hours + minutes);
                date.ahead = if sign == b'-' { -ahead } else { ahead };
            }
        }
    }
    let real = (1..=12).contains(&month)
        && (1..=month_days(year, month)).contains(&day)
        && date.hour < 24
        && date.minute < 60
        && date.second < 60.0;
    (r.0.is_empty() && real).then_some(date)
}

fn month_days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Date {
    /// Days from 1970-01-01 to this date, without its time (Howard Hinnant, "chrono-compatible low-level date
    /// algorithms": years begin in March).
    pub fn day_number(&self) -> f64 {
        let year = f64::from(self.year) - f64::from(u8::from(self.month <= 2));
        let era = (year / 400.0).floor();
        let of_era = year - era * 400.0;
        let month = f64::from((self.month + 9) % 12);
        let of_year = ((153.0 * month + 2.0) / 5.0).floor() + f64::from(self.day) - 1.0;
        let day_of_era = of_era * 365.0 + (of_era / 4.0).floor() - (of_era / 100.0).floor() + of_year;
        era * 146_097.0 + day_of_era - 719_468.0
    }

    /// Days from 1970-01-01 00:00 UTC, with their fraction.
    pub fn days(&self) -> f64 {
        let minutes = f64::from(60 * self.hour + self.minute) - self.ahead;
        self.day_number() + (60.0 * minutes + self.second) / 86_400.0
    }

    /// Monday is 0.
    pub fn weekday(&self) -> f64 {
        (self.day_number() + 3.0).rem_euclid(7.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        let days = |text| parse(text).map(|d| d.days());
        assert_eq!(days("1970-01-01"), Some(0.0));
        assert_eq!(days("2000-03-01"), Some(11_017.0));
        assert_eq!(days("1969-12-31T12:00"), Some(-0.5));
        assert_eq!(days("2024-02-29 06:00:00Z"), Some(19_782.25));
        assert_eq!(days("1970-01-01T02:00:00.0+02:00"), Some(0.0));
        assert_eq!(parse(" 2026-11-27 ").map(|d| d.weekday()), Some(4.0));
        assert_eq!(parse("1900-02-28").map(|d| d.weekday()), Some(2.0));
        for text in
            ["", "2023-02-29", "2024-13-01", "2024-1-1", "2024-01-01x", "2024-01-01T24:00", "12:00", "ü"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
