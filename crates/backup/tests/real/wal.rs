//! What the record's server writes goes to the store, from there comes back what was written a moment before the server was lost, and nothing that
//! is damaged is gone by.

use std::{sync::Arc, time::Instant};

use backup::record::{
    Former, KeyTexts, KeysInUse, Record, RecordError, Server,
    wal::{Archiver, BASES, Bases, Checked, Position, SLOT, Source, WayBack, archive, bases},
};
use common::{config::Env, database, service::Round as _};
use futures::FutureExt as _;
use objects::{Key, Objects, fake::FakeObjects, seal::SealKey};
use secrecy::ExposeSecret as _;
use sqlx::PgPool;
use testkit::effort;
use time::OffsetDateTime;
use tokio::{
    io::AsyncReadExt as _,
    time::{Duration, sleep},
};

use crate::{
    own_server::{OwnServer, Programs},
    store,
    support::Fakes,
    tenant::variable,
};

const MASTER_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const OTHER_KEY: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";

const RECORD_BY_HAND: &str = include_str!("../../../../docs/record-by-hand.md");

struct Scene {
    programs: Programs,
    server: OwnServer,
    pool: PgPool,
    record: Record,
    recovery: SealKey,
    objects: Arc<dyn Objects>,
}

fn keys(key: &str) -> KeyTexts {
    Env::of([("MASTER_KEY", key)]).load().unwrap()
}

impl Scene {
    async fn new(objects: Arc<dyn Objects>, settings: &str) -> Self {
        let programs = Programs::new();
        let server = OwnServer::start(&programs, settings).await;
        let pool = server.pool("rp9", "rp9");
        database::migrate(&pool).await.unwrap();
        let fakes = Fakes::new(&pool);
        fakes.tenant("customer").await;
        let recovery = SealKey::generate();
        let record = Record {
            server: Server::new(pool.clone(), Some(programs.path().to_owned())),
            objects: objects.clone(),
            recovery: recovery.recipient(),
            keys: KeysInUse::new(keys(MASTER_KEY)),
        };
        Self { programs, server, pool, record, recovery, objects }
    }

    fn source(&self) -> Source {
        Source::new(self.server.replication_url().into(), Some(self.programs.path().to_owned()))
    }

    fn archiver(&self) -> Archiver {
        Archiver::new(self.record.clone(), self.source()).parts_every(Duration::from_millis(200))
    }

    /// While this goes on, WAL goes to the store; afterwards whoever did it is gone, as if it were killed.
    async fn archiving<T>(&self, meanwhile: impl Future<Output = T>) -> T {
        let mut archiver = self.archiver();
        let again = async {
            loop {
                if let Err(error) = archiver.run().await {
                    eprintln!("archiving: {}", common::error::chain(&error));
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            done = meanwhile => done,
            () = again => unreachable!(),
        }
    }

    async fn written(&self) -> u64 {
        let lsn = sqlx::query_scalar("select (pg_current_wal_flush_lsn() - '0/0')::bigint");
        let lsn: i64 = lsn.fetch_one(&self.pool).await.unwrap();
        lsn.unsigned_abs()
    }

    /// Until all that was written by now is in the store.
    async fn is_stored(&self) {
        let written = self.written().await;
        loop {
            for lineage in archive::look(self.objects.as_ref()).await.unwrap_or_default().0.into_keys() {
                let position = Position::read(self.objects.as_ref(), lineage).await;
                if position.is_ok_and(|position| position.is_some_and(|it| it.lsn.0 >= written)) {
                    return;
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn base(&self) -> Result<(), RecordError> {
        Bases::new(self.record.clone(), self.source(), 2).run().await
    }

    async fn way(&self, until: Option<OffsetDateTime>) -> Option<WayBack> {
        WayBack::find(self.objects.as_ref(), None, until).await.unwrap()
    }

    async fn checked(&self, until: Option<OffsetDateTime>) -> Result<Checked, RecordError> {
        self.way(until).await.unwrap().check(self.objects.as_ref(), &self.recovery).await
    }

    /// A tenant more, and when there was.
    async fn name(&self, name: &str) -> OffsetDateTime {
        sqlx::query("update tenants set name = $1").bind(name).execute(&self.pool).await.unwrap();
        sqlx::query_scalar("select clock_timestamp()").fetch_one(&self.pool).await.unwrap()
    }
}

/// What `docs/record-by-hand.md` says, done as it is written. Returns what it tells.
async fn by_hand(scene: &Scene, base: &Key) -> (String, String) {
    let (server, pool) = another(&scene.programs).await;
    let here = tempfile::tempdir().unwrap();
    let lineage = bases::lineage(base).unwrap().to_string();
    for below in [base.clone(), format!("{}/{lineage}", archive::WAL).parse().unwrap()] {
        for object in scene.objects.list(&below).await.unwrap() {
            let parent = base.as_str().rsplit_once('/').unwrap().0;
            let name = object
                .key
                .as_str()
                .trim_start_matches(&format!("{parent}/"))
                .trim_start_matches("record/wal/");
            let file = here.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let mut bytes = Vec::new();
            scene.objects.get(&object.key).await.unwrap().read_to_end(&mut bytes).await.unwrap();
            std::fs::write(file, bytes).unwrap();
        }
    }
    std::fs::write(here.path().join("recovery.key"), scene.recovery.text().expose_secret()).unwrap();
    let blocks = RECORD_BY_HAND.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let script = blocks.collect::<Vec<_>>().join("\n");
    let script = script.replace("20261128T020000Z-461a5d38", base.name());
    let script = script
        .replace("7713462204645109118.16777216", &lineage)
        .replace("PGDATABASE=restored", "PGDATABASE=rp9");
    let path = format!("{}:{}:{}", variable("TEST_AGE"), scene.programs.path().display(), variable("PATH"));
    let ran = std::process::Command::new("bash")
        .args(["-c", &format!("set -euo pipefail\n{script}")])
        .current_dir(here.path())
        .envs([("PATH", path.as_str()), ("PGHOST", "127.0.0.1"), ("PGUSER", "rp9"), ("LC_ALL", "C")])
        .env("PGPORT", server.port().to_string())
        .output()
        .unwrap();
    let (told, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{told}\n{complained}");
    let name = sqlx::query_scalar("select name from tenants").fetch_one(&pool).await.unwrap();
    (name, told.into_owned())
}

/// A server that is empty, as it is on a new machine.
async fn another(programs: &Programs) -> (OwnServer, PgPool) {
    let server = OwnServer::start(programs, "").await;
    let pool = server.pool("rp9", "rp9");
    (server, pool)
}

async fn comes_back(
    scene: &Scene,
    checked: &Checked,
    until: Option<OffsetDateTime>,
) -> (String, OffsetDateTime) {
    let (_server, pool) = another(&scene.programs).await;
    let room = tempfile::tempdir().unwrap();
    std::fs::create_dir(room.path().join("rp9-record-of-one-that-was-killed")).unwrap();
    let target = Server::new(pool.clone(), Some(scene.programs.path().to_owned()));
    let place = (room.path(), Some(scene.programs.path().to_owned()));
    let recovered = checked.restore(&target, scene.objects.as_ref(), place, until, Former::Kept).await;
    let recovered = recovered.unwrap_or_else(|error| panic!("{}", common::error::chain(&error)));
    assert_eq!(std::fs::read_dir(room.path()).unwrap().count(), 0, "nothing in clear stays");
    let name = sqlx::query_scalar("select name from tenants").fetch_one(&pool).await.unwrap();
    (name, recovered.restored_to)
}

#[tokio::test]
#[ignore = "needs an S3 store, and PostgreSQL's programs: deploy/test"]
async fn what_was_written_a_moment_before_the_server_was_lost_comes_back() {
    let store = store();
    store.ensure_bucket().await.unwrap();
    for below in ["record/wal", "record/bases"] {
        backup::keeping::remove(&store, &below.parse().unwrap()).await.unwrap();
    }
    let scene = Scene::new(Arc::new(store), "").await;
    let (early, late) = scene
        .archiving(async {
            scene.is_stored().await;
            scene.base().await.unwrap();
            assert_eq!(bases::look(scene.objects.as_ref()).await.unwrap().whole.len(), 1);
            scene.base().await.unwrap();
            assert_eq!(
                bases::look(scene.objects.as_ref()).await.unwrap().whole.len(),
                1,
                "one a day is enough"
            );
            let early = scene.name("Early").await;
            scene.name("Right after it").await;
            scene.server.write(3).await;
            let begun = Instant::now();
            let late = scene.name("Late").await;
            scene.is_stored().await;
            eprintln!("in the store after {:?}", begun.elapsed());
            (early, late)
        })
        .await;
    // Another process goes on where that one was; the master key is another by now.
    scene.record.keys.put(keys(OTHER_KEY));
    let last = scene
        .archiving(async {
            scene.server.write(1).await;
            let last = scene.name("Last").await;
            scene.is_stored().await;
            last
        })
        .await;
    scene.name("Lost").await;

    let checked = scene.checked(None).await.unwrap();
    assert_eq!(checked.keys.current.expose_secret(), format!("1={OTHER_KEY}"));
    assert_eq!(checked.chain.beyond, None);
    let parts = checked.chain.stored.iter().filter(|it| !it.is_whole).count();
    assert!(parts <= 1 && checked.chain.stored.len() >= 5, "{:?}", checked.chain);
    let (name, of) = comes_back(&scene, &checked, None).await;
    assert_eq!(name, "Last");
    assert!(of <= last && of > late, "{of} is not that of {last}");
    let (name, told) = by_hand(&scene, &checked.base.folder).await;
    assert_eq!(name, "Last");
    assert!(told.contains(OTHER_KEY), "{told}");
    let (name, of) = comes_back(&scene, &scene.checked(Some(early)).await.unwrap(), Some(early)).await;
    assert_eq!(name, "Early");
    assert!(of <= early);
    assert!(scene.way(Some(early - time::Duration::days(1))).await.is_none());
    assert!(
        scene.way(None).await.unwrap().check(scene.objects.as_ref(), &SealKey::generate()).await.is_err()
    );
    for below in ["record/wal", "record/bases"] {
        backup::keeping::remove(scene.objects.as_ref(), &below.parse().unwrap()).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs: deploy/test"]
async fn while_the_store_is_away_wal_waits_and_what_is_lost_for_good_begins_anew() {
    let fake = FakeObjects::default();
    let scene = Scene::new(
        Arc::new(fake.clone()),
        "max_slot_wal_keep_size = '96MB'\nmin_wal_size = '32MB'\nmax_wal_size = '64MB'",
    )
    .await;
    let lost = async || {
        let status = "select wal_status from pg_replication_slots where slot_name = $1";
        sqlx::query_scalar::<_, String>(status).bind(SLOT).fetch_one(&scene.pool).await.unwrap() == "lost"
    };
    scene
        .archiving(async {
            scene.is_stored().await;
            scene.base().await.unwrap();
            fake.set_away(true);
            scene.name("Away").await;
            scene.server.write(4).await;
            scene.server.admin("checkpoint").await;
            assert!(!lost().await);
            fake.set_away(false);
            scene.is_stored().await;
            scene.base().await.unwrap();
        })
        .await;
    let chain = scene.way(None).await.unwrap().chain;
    assert_eq!(chain.beyond, None);
    assert!(archive_of(&fake).await.superseded().is_empty(), "no part stays of which there is more");

    // Nobody is there for longer than the server waits.
    while !lost().await {
        scene.server.write(2).await;
        scene.server.admin("checkpoint").await;
    }
    scene
        .archiving(async {
            scene.server.write(1).await;
            scene.is_stored().await;
            assert!(
                scene.way(None).await.unwrap().chain.beyond.is_some(),
                "what is behind the gap is not gone to"
            );
            scene.base().await.unwrap();
            scene.name("Anew").await;
            scene.is_stored().await;
        })
        .await;
    assert_eq!(scene.way(None).await.unwrap().chain.beyond, None);
    let (name, _) = comes_back(&scene, &scene.checked(None).await.unwrap(), None).await;
    assert_eq!(name, "Anew");
    assert!(!scene.server.log().contains("PANIC"));
}

async fn archive_of(objects: &dyn Objects) -> archive::Archive {
    archive::look(objects).await.unwrap().0.into_values().next().unwrap()
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs: deploy/test"]
async fn wal_and_a_base_backup_in_which_anything_is_another_are_refused_and_what_is_before_can_be_had() {
    let fake = FakeObjects::default();
    let scene = Scene::new(Arc::new(fake.clone()), "").await;
    scene
        .archiving(async {
            scene.is_stored().await;
            scene.base().await.unwrap();
            scene.server.write(1).await;
            scene.name("Before").await;
            scene.is_stored().await;
            scene.server.write(2).await;
            scene.name("After").await;
            scene.is_stored().await;
        })
        .await;
    let way = scene.way(None).await.unwrap();
    scene.checked(None).await.unwrap();
    let base_objects: Vec<Key> =
        fake.keys().into_iter().filter(|key| key.as_str().starts_with("record/bases")).collect();
    assert_eq!(base_objects.len(), 5);
    let strand_keys = fake
        .keys()
        .into_iter()
        .filter(|key| key.name().ends_with("key.age") || key.name().ends_with("keys.json.age"));
    let strand_keys = strand_keys.filter(|key| key.as_str().starts_with("record/wal"));
    let wal: Vec<Key> = way.chain.stored.iter().map(|stored| stored.key.clone()).collect();
    for (number, key) in base_objects.iter().cloned().chain(strand_keys).chain(wal.clone()).enumerate() {
        let mut was = Vec::new();
        fake.damage(&key, |bytes| {
            was.clone_from(&bytes);
            Some(bytes)
        });
        let mut flipped = was.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        let ways = [Vec::new(), was[..was.len() - 1].to_vec(), flipped];
        // Each is read back whole: another way for the next one is enough for every day.
        let tried = |way: &usize| effort::is_thorough() || *way == number % ways.len();
        for way in (0..ways.len()).filter(tried) {
            let bytes = ways[way].clone();
            fake.damage(&key, |_| Some(bytes));
            let found = WayBack::find(&fake, None, None).await;
            let refused = match found {
                Err(_) | Ok(None) => true,
                Ok(Some(found)) => found.check(&fake, &scene.recovery).await.is_err(),
            };
            assert!(refused, "{key}: way {way}");
        }
        fake.damage(&key, |_| Some(was));
    }
    another_under_its_name_and_a_gap(&scene, &fake, &wal).await;
}

async fn another_under_its_name_and_a_gap(scene: &Scene, fake: &FakeObjects, wal: &[Key]) {
    let wal_two = [wal[1].clone(), wal[0].clone()];
    // Another segment under this one's name.
    let mut other = Vec::new();
    fake.damage(&wal_two[1], |bytes| {
        other.clone_from(&bytes);
        Some(bytes)
    });
    let mut was = Vec::new();
    fake.damage(&wal_two[0], |bytes| {
        was = bytes;
        Some(other)
    });
    let refused = scene.checked(None).await.unwrap_err();
    let RecordError::Wal { until, .. } = &refused else { panic!("{refused:?}") };
    let before = scene.checked(Some(*until)).await.unwrap();
    assert!(before.chain.stored.len() <= 1 && before.reach() >= *until, "what is before can be had");
    fake.damage(&wal_two[0], |_| Some(was));
    scene.checked(None).await.unwrap();
    // One that is missing ends it.
    fake.damage(&wal[1], |_| None);
    assert!(scene.way(None).await.unwrap().chain.beyond.is_some());
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs: deploy/test"]
async fn one_at_a_time_archives_and_a_base_backup_that_was_killed_is_gone_with_the_next() {
    let fake = FakeObjects::default();
    let scene = Scene::new(Arc::new(fake.clone()), "").await;
    scene
        .archiving(async {
            scene.is_stored().await;
            let strands = archive_of(&fake).await.strands.len();
            // Whoever comes second ends at once.
            scene.archiver().run().await.unwrap();
            assert_eq!(archive_of(&fake).await.strands.len(), strands);
            let begun = async {
                while !fake.keys().iter().any(|key| key.as_str().starts_with(BASES)) {
                    tokio::task::yield_now().await;
                }
            };
            let mut basing = Box::pin(scene.base());
            tokio::select! {
                biased;
                () = begun => {}
                made = &mut basing => panic!("it was not stopped in the middle: {made:?}"),
            }
            drop(basing);
            let sets = bases::look(&fake).await.unwrap();
            assert_eq!((sets.whole.len(), sets.unfinished.len()), (0, 1));
            // The turn comes back when the server sees that the connection is gone.
            while bases::look(&fake).await.unwrap().whole.is_empty() {
                scene.base().await.unwrap();
            }
            let sets = bases::look(&fake).await.unwrap();
            assert_eq!((sets.whole.len(), sets.unfinished.len()), (1, 0));
            scene.base().now_or_never();
        })
        .await;
}
