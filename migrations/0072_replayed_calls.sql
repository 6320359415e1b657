-- A held call that came to nothing is delivered again when a person says so: tried as often, and held for as long, as one that has just come.
alter table held_calls
    add column replayed_at timestamptz,
    -- Deliveries of before that.
    add column given_up_after integer not null default 0;
