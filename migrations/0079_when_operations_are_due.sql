-- From when on an operation might have begun: later than its acceptance where it waits for a window. How long it took is counted from here.
-- Nothing in rows of a former release, which are counted from their acceptance.
alter table operations add column due_at timestamptz;
