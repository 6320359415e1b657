//! A workflow of the platform's own, run once in a copy of somebody's n8n (`hooks/drill.json`): whether that still works says more than whether it
//! answers. The copy's own workflows are not run: what they do is not known, and they reach nothing from there.

use crate::hooks::DRILL_WORKFLOW;

/// As the file has it.
const ID: &str = "rp9Drill00000001";

/// What comes out of it, if n8n reads, evaluates and runs it.
const SAID: &str = "drill 42";

/// The program that puts it into n8n, beside what is there. Again it changes nothing.
pub fn bring() -> Vec<String> {
    argv(&["n8n", "import:workflow", &format!("--input={DRILL_WORKFLOW}")])
}

/// The program that runs it. It is of the image, as its name is.
pub fn run() -> Vec<String> {
    argv(&["n8n", "execute", &format!("--id={ID}"), "--rawOutput"])
}

/// Whether it ran, by what that program wrote.
pub fn ran(stdout: &[u8]) -> bool {
    String::from_utf8_lossy(stdout).contains(SAID)
}

fn argv(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|&part| part.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_workflow_that_is_run_and_not_what_it_says() {
        let file = include_str!("../hooks/drill.json");
        let workflows: serde_json::Value = serde_json::from_str(file).unwrap();
        assert_eq!(workflows[0]["id"], ID);
        assert!(!ran(file.as_bytes()), "what it says shows that it was evaluated");
        assert!(ran(br#"[{"json":{"said":"drill 42"}}]"#));
    }
}
