//! The peers' scripts.

use seoro_lab::workplace;

/// OpenBLAS reads its threads when NumPy is imported, which `peer` does: set later they count for nothing, and the peer
/// runs with threads within threads.
#[test]
fn threads_are_set_before_numpy_is_imported() {
    let mut scripts = 0;
    for entry in std::fs::read_dir(workplace::root().join("benches/peers")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "py") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let first = |found: &dyn Fn(&str) -> bool| lines.iter().position(|line| found(line));
        let Some(set) = first(&|line| line.starts_with("os.environ") && line.contains("OPENBLAS")) else {
            continue;
        };
        let numeric = ["peer", "numpy", "scipy", "implicit"];
        let import = first(&|line| {
            let module = line.strip_prefix("from ").or(line.strip_prefix("import "));
            module.is_some_and(|module| numeric.iter().any(|name| module.starts_with(name)))
        });
        scripts += 1;
        assert!(import.is_none_or(|import| set < import), "{} sets its threads too late", path.display());
    }
    assert!(scripts >= 4, "{scripts} scripts set their threads");
}
