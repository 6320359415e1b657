//! Whether n8n answers for each webhook, without calling any: `OPTIONS` from another origin looks up the path, its method and its workflow as a call
//! does, and runs nothing. Only then it says which origins may (`dist/webhooks/webhook-request-handler.js` of 2.40.7 and 2.41.1); the methods that it names are
//! not all of those of a path with parameters.

use serde::Deserialize;

use super::node;
use crate::copies::Webhook;

/// So many bytes of paths are one program's argument; Linux takes 128 KiB of one.
const AT_A_TIME: usize = 32 << 10;

/// How many calls are under way at once.
const AT_ONCE: u8 = 10;

/// How soon each is answered, in milliseconds.
const WITHIN_MS: u16 = 5000;

/// What the program saw.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Listening {
    /// How many were asked for.
    asked: usize,
    /// Which of them n8n did not answer for, by their places.
    silent: Vec<usize>,
}

impl Listening {
    /// What the program wrote, if it came to its end and asked for so many.
    pub fn read(stdout: &[u8], asked: usize) -> Option<Self> {
        let last = stdout.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty())?;
        serde_json::from_slice(last).ok().filter(|said: &Self| said.asked == asked)
    }

    /// Those of these that n8n did not answer for.
    pub fn silent<'a>(&self, asked: &'a [Webhook]) -> Vec<&'a Webhook> {
        self.silent.iter().filter_map(|place| asked.get(*place)).collect()
    }
}

/// As many of these at a time as one program asks for.
pub fn parts(webhooks: &[Webhook]) -> impl Iterator<Item = &[Webhook]> {
    let mut rest = webhooks;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fit = rest.iter().take_while(|webhook| {
            bytes += webhook.path.len() + webhook.method.len();
            bytes <= AT_A_TIME
        });
        // One that is longer than that by itself is asked for alone.
        let (some, left) = rest.split_at(fit.count().max(1).min(rest.len()));
        rest = left;
        (!some.is_empty()).then_some(some)
    })
}

/// The program that asks for these.
pub fn listening(webhooks: &[Webhook]) -> Vec<String> {
    let port = crate::launch::PORT;
    let script = format!(
        "(async () => {{ const asked = JSON.parse(process.argv[1]), silent = [], left = [...asked.entries()]; \
         const one = async ([place, [method, path]]) => {{ try {{ \
         const url = 'http://127.0.0.1:{port}/webhook/' + path.split('/').map(encodeURIComponent).join('/'); \
         const headers = {{ origin: 'http://127.0.0.1', 'access-control-request-method': method }}; \
         const answer = await fetch(url, {{ method: 'OPTIONS', headers, signal: AbortSignal.timeout({WITHIN_MS}) }}); await answer.arrayBuffer(); \
         if (answer.status !== 204 || !answer.headers.has('access-control-allow-origin')) silent.push(place); }} catch {{ silent.push(place); }} }}; \
         const some = async () => {{ for (let next; (next = left.shift()); ) await one(next); }}; \
         await Promise.all(Array.from({{ length: {AT_ONCE} }}, some)); \
         console.log(JSON.stringify({{ asked: asked.length, silent }})); }})()"
    );
    let asked: Vec<_> = webhooks.iter().map(|webhook| [&webhook.method, &webhook.path]).collect();
    // Texts always become JSON.
    node(script, [serde_json::to_string(&asked).unwrap_or_default()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(method: &str, path: &str) -> Webhook {
        Webhook { method: method.to_owned(), path: path.to_owned() }
    }

    #[test]
    fn who_is_silent_is_told_by_its_place() {
        let asked = [webhook("POST", "a"), webhook("GET", "b/x"), webhook("GET", "c")];
        let said = Listening::read(b"some warning\n{\"asked\":3,\"silent\":[2,0]}\n", 3).unwrap();
        assert_eq!(said.silent(&asked), [&asked[2], &asked[0]]);
        let all = Listening::read(b"{\"asked\":3,\"silent\":[]}", 3).unwrap();
        assert_eq!(all.silent(&asked), Vec::<&Webhook>::new());
    }

    #[test]
    fn each_is_asked_for_once_however_long_their_paths_are() {
        let long = "a".repeat(AT_A_TIME / 2);
        let all = ["b", &long, "c", &long, &"d".repeat(AT_A_TIME * 2), "e"].map(|path| webhook("GET", path));
        let lengths: Vec<_> = parts(&all).map(<[Webhook]>::len).collect();
        assert_eq!(lengths, [3, 1, 1, 1]);
        assert_eq!(parts(&[]).count(), 0);
    }

    #[test]
    fn a_program_that_did_not_come_to_its_end_says_nothing() {
        for said in [&b""[..], b"\n", b"Killed\n", b"{\"asked\":3,\"sil", b"{\"asked\":2,\"silent\":[]}\n"] {
            assert_eq!(Listening::read(said, 3), None);
        }
    }

    #[test]
    fn paths_are_an_argument_and_no_part_of_the_program() {
        let [node, flag, script, asked] =
            <[String; 4]>::try_from(listening(&[webhook("POST", "it's/\"so\"")])).unwrap();
        assert_eq!((node.as_str(), flag.as_str()), ("node", "-e"));
        assert!(!script.contains("it's") && !script.contains("{{"));
        assert_eq!(asked, r#"[["POST","it's/\"so\""]]"#);
    }
}
