-- Contents of documents and plugins, cut into pieces, where many nodes share a database.
create table blob (
    sha256 text collate "C" not null check (length(sha256) = 64),
    ordinal bigint not null check (ordinal >= 0),
    bytes bytea not null,
    primary key (sha256, ordinal)
);
