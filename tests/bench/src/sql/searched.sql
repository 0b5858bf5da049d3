-- What the host has stored, in typed columns: a row's number is where it lies, and each search has its index.
create table searched (
    place integer primary key,
    id text not null unique,
    revision integer not null,
    created_us integer not null,
    updated_us integer not null,
    number text not null unique,
    customer text not null,
    day text not null,
    amount text not null,
    currency text not null,
    city text not null,
    mail text not null,
    notes text not null
) strict;
insert into searched (id, revision, created_us, updated_us, number, customer, day, amount, currency, city, mail, notes)
select id, revision, created_us, updated_us, body ->> 'number', body ->> 'customer', body ->> 'day', body ->> 'amount',
    body ->> 'currency', body ->> 'city', body ->> 'mail', body ->> 'notes'
from host.image where kind = 'record' and collection = 'orders' order by body ->> 'number';
create index searched_customer on searched (customer, id);
create index searched_day on searched (day, id);
analyze;
