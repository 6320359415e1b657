use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::service::Tasks;

const PERIOD: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
#[error("it rains")]
struct Rain;

/// Notes when each round began, in seconds, and does what its number says.
async fn rounds(
    interval: Interval,
    until: u64,
    what: impl Fn(usize) -> Result<(), Rain> + Send + 'static,
) -> Vec<u64> {
    let (begun, tasks) = (Instant::now(), Tasks::default());
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = seen.clone();
    tasks.every(interval, move || {
        let mut noted = noted.lock().unwrap();
        noted.push(begun.elapsed().as_secs());
        let number = noted.len();
        drop(noted);
        let done = what(number);
        async move { done }
    });
    sleep(Duration::from_secs(until)).await;
    tasks.finish(Duration::from_secs(1)).await.unwrap();
    seen.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn the_first_round_begins_at_once_unless_it_is_not_to() {
    let interval = Interval::new("test", PERIOD);
    assert_eq!(rounds(interval, 25, |_| Ok(())).await, [0, 10, 20]);
    assert_eq!(rounds(interval.not_at_once(), 25, |_| Ok(())).await, [10, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_round_that_takes_long_delays_the_next_by_itself_or_by_a_whole_period() {
    struct Slow(Arc<std::sync::Mutex<Vec<u64>>>, Instant);
    impl Round for Slow {
        type Error = Rain;

        async fn run(&mut self) -> Result<(), Rain> {
            self.0.lock().unwrap().push(self.1.elapsed().as_secs());
            sleep(Duration::from_secs(4)).await;
            Ok(())
        }
    }
    let interval = Interval::new("test", PERIOD);
    for (interval, expected) in [(interval, [0, 10, 20]), (interval.from_its_end(), [0, 14, 28])] {
        let (begun, tasks) = (Arc::default(), Tasks::default());
        tasks.every(interval, Slow(Arc::clone(&begun), Instant::now()));
        sleep(Duration::from_secs(29)).await;
        tasks.finish(Duration::from_secs(1)).await.unwrap();
        assert_eq!(*begun.lock().unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_and_a_panic_are_one_rounds_own() {
    let interval = Interval::new("test", PERIOD);
    let trouble = |number| match number {
        1 => Err(Rain),
        2 => panic!("planted"),
        _ => Ok(()),
    };
    assert_eq!(rounds(interval, 35, trouble).await, [0, 10, 20, 30]);
    let later = interval.after_failure(Duration::from_secs(3));
    assert_eq!(rounds(later, 25, trouble).await, [0, 3, 6, 16], "two of them did not work");
}

/// It has no end to be told by: without a word of its own it would count as failing for as long as it works.
#[tokio::test(start_paused = true)]
async fn a_round_that_goes_on_says_that_it_works() {
    struct GoesOn(Arc<Notify>, usize);
    impl Round for GoesOn {
        type Error = Rain;

        async fn run(&mut self) -> Result<(), Rain> {
            self.1 += 1;
            if self.1 == 1 {
                return Err(Rain);
            }
            sleep(Duration::from_secs(5)).await;
            self.0.notify_one();
            std::future::pending().await
        }

        fn works(&self) -> Option<Arc<Notify>> {
            Some(self.0.clone())
        }
    }
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let told = recorder.handle();
    let _ours = ::metrics::set_default_local_recorder(&recorder);
    let is_failing = || told.render().contains("rp9_rounds_failing{task=\"test\"} 1");
    let tasks = Tasks::default();
    tasks.every(Interval::new("test", PERIOD), GoesOn(Arc::default(), 0));
    sleep(Duration::from_secs(14)).await;
    assert!(is_failing(), "the second has not done anything yet: {}", told.render());
    sleep(Duration::from_secs(2)).await;
    assert!(!is_failing(), "{}", told.render());
    tasks.finish(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pauses_that_are_spread_differ_by_a_tenth_at_most() {
    let interval = Interval::new("test", PERIOD).spread();
    let pauses: Vec<_> = (0..1_000).map(|_| interval.pause().as_millis()).collect();
    assert!(pauses.iter().all(|pause| (9_000..=11_000).contains(pause)));
    assert!(pauses.iter().any(|pause| *pause < 9_500) && pauses.iter().any(|pause| *pause > 10_500));
}

/// Woken as often as there are permits; never well.
struct Woken {
    woken: Arc<tokio::sync::Semaphore>,
    rounds: Arc<AtomicUsize>,
}

impl Round for Woken {
    type Error = Rain;

    async fn run(&mut self) -> Result<(), Rain> {
        self.rounds.fetch_add(1, Ordering::Relaxed);
        Err(Rain)
    }

    async fn woken(&mut self) {
        self.woken.acquire().await.unwrap().forget();
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_woken_does_not_wait_for_the_time_unless_only_time_helps() {
    let interval = Interval::new("test", PERIOD);
    for (interval, expected) in [(interval, 4), (interval.after_failure(PERIOD), 1)] {
        let (woken, rounds) = (Arc::new(tokio::sync::Semaphore::new(3)), Arc::default());
        let tasks = Tasks::default();
        tasks.every(interval, Woken { woken, rounds: Arc::clone(&rounds) });
        sleep(PERIOD / 2).await;
        tasks.finish(Duration::from_secs(1)).await.unwrap();
        assert_eq!(rounds.load(Ordering::Relaxed), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_no_round() {
    let tasks = Tasks::default();
    tasks.every(Interval::new("test", PERIOD), || {
        std::future::pending::<Result<(), std::convert::Infallible>>()
    });
    sleep(PERIOD).await;
    tasks.finish(Duration::from_millis(1)).await.unwrap();
}
