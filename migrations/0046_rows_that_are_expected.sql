-- How many rows these return at most, or about. Without a word the planner takes a thousand for granted; then a plan for the parameters of the
-- moment looks so much cheaper than one for any that it plans each acceptance anew, which takes ten times as long as the statement itself.
alter function tenant_that_may(uuid, text, text[], boolean) rows 1;
alter function status_to_be(uuid) rows 1;
alter function place_in_shared(text, text[]) rows 1;
alter function cluster_committed(text) rows 1;
alter function cluster_room() rows 10;
alter function shared_n8ns(text, text[]) rows 10;
