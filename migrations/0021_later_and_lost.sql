-- Steps that wait, and holders that vanish. Both only add: the release before writes neither, and goes on beside this.

-- A step that is not done, though nothing is wrong, waits to be looked at again. The rows that are there obey the narrower rule, so
-- nobody has to look through them.
alter table operation_steps
    drop constraint operation_steps_event_check,
    add constraint operation_steps_event_check check (event in
        ('started', 'succeeded', 'failed', 'undo_started', 'undone', 'undo_failed', 'resumed', 'waiting')) not valid;

-- Whether whoever held the operation before its present holder vanished: the lease ended, and was not given back.
alter table operations add column orphaned boolean not null default false;
