//! Playbooks (`docs/playbooks`), run as they are written.

use std::{cell::RefCell, collections::BTreeMap, fs, path::PathBuf, process::Command};

/// One of them.
pub struct Playbook {
    name: String,
    /// The commands below each heading.
    sections: BTreeMap<String, String>,
    left: RefCell<Vec<String>>,
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

impl Playbook {
    /// Reads it.
    #[track_caller]
    pub fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join("docs/playbooks").join(name)).unwrap();
        let (mut sections, mut heading, mut inside) = (BTreeMap::new(), String::new(), false);
        for line in text.lines() {
            match line {
                "```sh" => inside = true,
                "```" => inside = false,
                _ if inside => {
                    let section: &mut String = sections.entry(heading.clone()).or_default();
                    section.push_str(line);
                    section.push('\n');
                }
                _ => {
                    if let Some(words) = line.strip_prefix("## ") {
                        words.clone_into(&mut heading);
                    }
                }
            }
        }
        let left = RefCell::new(sections.keys().cloned().collect());
        Self { name: name.to_owned(), sections, left }
    }

    /// Runs what stands below this heading, with these variables; each command must end well. What they printed.
    pub fn run(&self, heading: &str, variables: &[(&str, &str)]) -> String {
        let commands = self.sections.get(heading).unwrap_or_else(|| panic!("{}: {heading}", self.name));
        self.left.borrow_mut().retain(|section| section != heading);
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", commands]).current_dir(root());
        let ran = shell.envs(variables.iter().copied()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&ran.stdout), text(&ran.stderr));
        assert!(ran.status.success(), "{}, {heading}: {out}{err}", self.name);
        out + &err
    }

    /// All that it has was run.
    pub fn is_done(&self) {
        assert_eq!(*self.left.borrow(), [""; 0], "{}", self.name);
    }
}
