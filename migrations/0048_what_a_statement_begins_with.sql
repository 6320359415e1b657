-- What Postgres does before a statement has done anything: it reads every condition of a trigger and every body of a function in SQL anew,
-- and prepares each part of a question, asked for or not. What is kept for a connection instead costs less (docs/benchmarks.md).

-- As before (0019), and read once.
create or replace function search_key(given text) returns text
    language plpgsql immutable parallel safe strict as $$
begin
    return replace(
        translate(lower(regexp_replace(normalize(given, NFKD), '[\u0300-\u036f]', '', 'g')), 'ςı', 'σi'),
        'ß', 'ss');
end $$;

-- The strongest lock first, and of one table in a migration: whoever accepts something meanwhile waits, and nobody for each other.
drop trigger operations_former_status on operations;
drop trigger operations_next_status on operations;
drop trigger operations_place on operations;
drop function note_former_status();
drop function note_next_status();
drop function operations_are_placed();

-- What whoever writes an operation leaves out, because a release of theirs knew nothing of it: as before (0020, 0023, 0030), in one.
create function complete_operation() returns trigger language plpgsql as $$
begin
    if new.former_status is null and new.kind in ('tenant.create', 'tenant.delete') then
        new.former_status := case new.kind
            when 'tenant.create' then 'failed'
            else (select case status when 'deleting' then coalesce(status_before_deleting, 'failed') else status end
                    from tenants where id = new.tenant_id)
            end;
    end if;
    if new.next_status is null and new.parent_id is null and new.kind in ('tenant.suspend', 'tenant.resume') then
        new.next_status := case new.kind when 'tenant.suspend' then 'suspended' else 'active' end;
    end if;
    if new.cluster_id is null and new.tenant_id is not null then
        new.cluster_id := (select cluster_id from tenants where id = new.tenant_id);
    end if;
    return new;
end $$;
create trigger operations_complete before insert on operations for each row execute function complete_operation();

-- The n8n that a tenant shares, as whoever asks may see it. In a function, so that who asks about others does not pay for it.
create function shared_n8n_of(of_tenant uuid) returns json language plpgsql stable as $$
begin
    return (select json_build_object('n8n_version', s.n8n_version, 'instance', s.instance, 'troubled', s.troubled, 'ready', s.ready)
              from shared_n8n_sightings s where s.tenant = of_tenant);
end $$;
