-- The log is appended to and never changed: the database says so as well. A replacing insert fires no trigger of deletes,
-- so a row that is there is refused before it.
create trigger log_commit_updated before update on log_commit
begin select raise(abort, 'the commit log is append-only: log_commit is never updated'); end;
create trigger log_commit_deleted before delete on log_commit
begin select raise(abort, 'the commit log is append-only: nothing is deleted from log_commit'); end;
create trigger log_commit_replaced before insert on log_commit
when exists (select 1 from log_commit where seq = new.seq)
begin select raise(abort, 'the commit log is append-only: nothing of log_commit is replaced'); end;

create trigger change_updated before update on change
begin select raise(abort, 'the commit log is append-only: change is never updated'); end;
create trigger change_deleted before delete on change
begin select raise(abort, 'the commit log is append-only: nothing is deleted from change'); end;
create trigger change_replaced before insert on change
when exists (select 1 from change where seq = new.seq and ordinal = new.ordinal)
begin select raise(abort, 'the commit log is append-only: nothing of change is replaced'); end;
