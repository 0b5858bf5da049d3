-- The log is appended to and never changed: the database says so as well, to its own administrator too.
create function refuse_change_of_log() returns trigger language plpgsql as $$
begin
    raise exception 'the commit log is append-only: % of % is refused', lower(tg_op), tg_table_name
        using errcode = 'restrict_violation';
end
$$;
create trigger append_only before update or delete or truncate on log_commit
    for each statement execute function refuse_change_of_log();
alter table log_commit enable always trigger append_only;
create trigger append_only before update or delete or truncate on change
    for each statement execute function refuse_change_of_log();
alter table change enable always trigger append_only;
