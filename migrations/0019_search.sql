-- Finding tenants by what people type.

-- Two texts are alike for whoever searches if their keys are: in any case, with or without accents, composed or not. Both sides of a
-- comparison are made here, so they cannot disagree, whatever the server's locale takes for a small letter; what is no plain pair of a
-- small and a capital letter (ς, ß, ı) is said outright. Marks are taken off Latin, Greek and Cyrillic letters (U+0300 to U+036F), where
-- capitals and careless writers leave them out too; in other scripts they are part of the word.
create function search_key(given text) returns text language sql immutable strict parallel safe as $$
    select replace(
        translate(lower(regexp_replace(normalize(given, NFKD), '[\u0300-\u036f]', '', 'g')), 'ςı', 'σi'),
        'ß', 'ss')
$$;

-- Kept with the row, because it costs more to make than to look at. No name has a line feed in it, so nothing is found across two of them.
alter table tenants add column search text not null generated always as
    (search_key(name) || E'\n' || search_key(email) || E'\n' || subdomain) stored;
grant select (search) on tenants to authenticated;
