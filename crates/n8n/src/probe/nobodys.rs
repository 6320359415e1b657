//! Calls to a webhook that is nobody's.

use super::node;

/// So many, one after the other.
const CALLS: u8 = 20;

/// No workflow has this path.
const PATH: &str = "rp9-nobodys-webhook";

/// How soon each is answered, in milliseconds.
const WITHIN_MS: u16 = 2000;

/// The program that makes them. Node is what n8n's images have.
pub fn calls() -> Vec<String> {
    let port = crate::launch::PORT;
    let script = format!(
        "(async () => {{ let answered = 0; for (let call = 0; call < {CALLS}; call++) {{ try {{ const answer = await fetch('http://127.0.0.1:{port}/webhook/{PATH}', \
         {{ signal: AbortSignal.timeout({WITHIN_MS}) }}); await answer.text(); if (answer.status === 404) answered++; }} catch {{}} }} console.log('answered ' + answered); process.exitCode = answered === {CALLS} ? 0 : 1; }})()"
    );
    node(script, [])
}

/// Whether each was answered, by what that program wrote.
pub fn all_answered(stdout: &[u8]) -> bool {
    String::from_utf8_lossy(stdout).contains(&format!("answered {CALLS}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_has_to_be_answered() {
        assert!(all_answered(b"answered 20\n"));
        assert!(!all_answered(b"answered 2\n") && !all_answered(b"answered 19\n") && !all_answered(b""));
        let calls = calls();
        assert!(
            calls[2].contains("http://127.0.0.1:5678/webhook/rp9-nobodys-webhook")
                && !calls[2].contains("{{")
        );
    }
}
