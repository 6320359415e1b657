//! The terminal, while it is drawn on.

use std::io::{self, Write, stdout};

use crossterm::{
    cursor::{Hide, MoveTo, Show},
    execute, queue,
    style::Print,
    terminal::{
        BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
        EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
    },
};

/// A line of a modem's, for example, has no size that anybody told it.
const UNSAID: u16 = 24;

/// A screen beside the one that was there, which comes back when this is dropped.
pub struct Screen(());

impl Screen {
    /// Keys arrive as they are pressed, Ctrl-C among them.
    pub fn open() -> io::Result<Self> {
        enable_raw_mode()?;
        let screen = Self(());
        execute!(stdout(), EnterAlternateScreen, DisableLineWrap, Hide)?;
        Ok(screen)
    }

    /// How many lines it has at the moment.
    pub fn height() -> io::Result<usize> {
        let (_, rows) = size()?;
        Ok(usize::from(if rows == 0 { UNSAID } else { rows }))
    }

    /// Puts these in the place of what is there. The terminal cuts what is too long.
    pub fn draw(&self, lines: &[String]) -> io::Result<()> {
        let mut out = stdout().lock();
        queue!(out, BeginSynchronizedUpdate, MoveTo(0, 0))?;
        for (row, line) in (0..).zip(lines) {
            queue!(out, MoveTo(0, row), Print(line), Clear(ClearType::UntilNewLine))?;
        }
        let below = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        if lines.len() < Self::height()? {
            queue!(out, MoveTo(0, below), Clear(ClearType::FromCursorDown))?;
        }
        queue!(out, EndSynchronizedUpdate)?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone has nothing to be put right.
        drop(execute!(stdout(), Show, EnableLineWrap, LeaveAlternateScreen));
        drop(disable_raw_mode());
    }
}
