//! A terminal, and somebody in front of it.

use std::{fs::File, process::Stdio, time::Duration};

use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal of 110 columns and 12 lines.
pub struct Terminal {
    somebody: tokio::fs::File,
    side: File,
    shown: Vec<u8>,
}

impl Terminal {
    /// One that nothing was shown on.
    pub fn open() -> Self {
        let terminal = Self::without_size();
        tcsetwinsize(&terminal.side, Winsize { ws_row: 12, ws_col: 110, ws_xpixel: 0, ws_ypixel: 0 })
            .unwrap();
        terminal
    }

    /// One that nobody told how large it is.
    pub fn without_size() -> Self {
        let somebody = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&somebody).unwrap();
        unlockpt(&somebody).unwrap();
        let name = ptsname(&somebody, Vec::new()).unwrap();
        let side = open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        Self { somebody: tokio::fs::File::from_std(somebody.into()), side: side.into(), shown: Vec::new() }
    }

    /// For a program.
    pub fn side(&self) -> Stdio {
        self.side.try_clone().unwrap().into()
    }

    /// Whether lines are edited and Ctrl-C interrupts, as at first.
    pub fn is_as_before(&self) -> bool {
        let modes = tcgetattr(&self.side).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Types it.
    pub async fn types(&mut self, keys: &str) {
        self.somebody.write_all(keys.as_bytes()).await.unwrap();
        self.somebody.flush().await.unwrap();
    }

    /// Waits until it shows this, beginning after what was waited for before; says what came until then.
    pub async fn shows(&mut self, text: &str) -> String {
        let waited = timeout(PATIENCE, async {
            loop {
                let found = self.shown.windows(text.len()).position(|part| part == text.as_bytes());
                if let Some(at) = found {
                    return self.shown.drain(..at + text.len()).collect::<Vec<_>>();
                }
                let mut more = [0; 4096];
                let length = self.somebody.read(&mut more).await.unwrap();
                self.shown.extend_from_slice(&more[..length]);
            }
        });
        let shown = waited.await;
        let shown =
            shown.unwrap_or_else(|_| panic!("no {text:?} in {:?}", String::from_utf8_lossy(&self.shown)));
        String::from_utf8(shown).unwrap()
    }
}
