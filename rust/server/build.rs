//! Lists what the program is made of, for `--sbom`: a CycloneDX document that the program carries.

use std::error::Error;
use std::path::Path;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=Cargo.toml");
    println!("cargo:rerun-if-changed=../../Cargo.lock");
    let tree = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["tree", "--edges=normal", "--prefix=none", "--format={p}|{l}|{r}", "--target"])
        .arg(std::env::var("TARGET")?)
        .output()?;
    if !tree.status.success() {
        return Err(String::from_utf8_lossy(&tree.stderr).into());
    }
    let text = String::from_utf8(tree.stdout)?;
    let mut lines: Vec<String> = text.lines().filter_map(component).collect();
    lines.sort();
    lines.dedup();
    let version = std::env::var("CARGO_PKG_VERSION")?;
    let document = format!(
        "{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"version\":1,\"metadata\":{{\"component\":{{\
         \"type\":\"application\",\"name\":\"ferroflow-server\",\"version\":\"{version}\",\
         \"purl\":\"pkg:cargo/ferroflow-server@{version}\"}}}},\"components\":[\n{}\n]}}\n",
        lines.join(",\n")
    );
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("sbom.json"), document)?;
    Ok(())
}

/// A package of the tree, like `axum v0.8.9|MIT|https://...`; what runs at build time alone is none.
fn component(line: &str) -> Option<String> {
    let mut parts = line.trim_end_matches(" (*)").split('|');
    let package = parts.next()?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    if package.contains("(proc-macro)") || name == "ferroflow-server" {
        return None;
    }
    // The old way of writing "or".
    let license = parts.next()?.replace('/', " OR ");
    let mut out = format!(
        "{{\"type\":\"library\",\"name\":\"{name}\",\"version\":\"{version}\",\"purl\":\"pkg:cargo/{name}@{version}\",\
         \"licenses\":[{{\"expression\":\"{license}\"}}]"
    );
    if let Some(place) = parts.next().filter(|place| place.starts_with("https://")) {
        out += &format!(",\"externalReferences\":[{{\"type\":\"vcs\",\"url\":\"{place}\"}}]");
    }
    Some(out + "}")
}
