//! Every metric of the holder.

use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::{bounds::Full, verdict::Verdict};

const HELD: &str = "rp9_held_calls";
const TAKEN: &str = "rp9_held_calls_taken_total";
const REFUSED: &str = "rp9_held_calls_refused_total";
const ENDED: &str = "rp9_held_calls_ended_total";

/// Says what each metric means.
pub fn describe() {
    describe_gauge!(HELD, "Calls that are held and not yet delivered. Every replica tells the same.");
    describe_counter!(TAKEN, "Calls that were held.");
    describe_counter!(REFUSED, "Calls that were not held since there was no room, by whose.");
    describe_counter!(ENDED, "Held calls that ended, by how.");
    held(0);
    counter!(TAKEN).absolute(0);
    for full in Full::ALL {
        counter!(REFUSED, "full" => full.as_str()).absolute(0);
    }
    for end in ["delivered", "dead"] {
        counter!(ENDED, "end" => end).absolute(0);
    }
}

/// So many are held.
pub fn held(calls: u64) {
    #[expect(clippy::cast_precision_loss, reason = "so many are never held")]
    gauge!(HELD).set(calls as f64);
}

/// One more is held.
pub fn taken() {
    counter!(TAKEN).increment(1);
}

/// There was no room for one.
pub fn refused(full: Full) {
    counter!(REFUSED, "full" => full.as_str()).increment(1);
}

/// One was sent.
pub fn sent(verdict: &Verdict) {
    match verdict {
        Verdict::Delivered => counter!(ENDED, "end" => "delivered").increment(1),
        Verdict::Dead => counter!(ENDED, "end" => "dead").increment(1),
        Verdict::NotYet(_) | Verdict::Again(_) => {}
    }
}

/// So many were given up.
pub fn given_up(calls: u64) {
    counter!(ENDED, "end" => "dead").increment(calls);
}
