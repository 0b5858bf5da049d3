-- One typed table with its primary key and its unique index.
create table orders (
    id integer primary key,
    number text not null,
    customer text not null,
    day text not null,
    amount text not null,
    currency text not null,
    city text not null,
    mail text not null,
    notes text not null
) strict;
create unique index orders_number on orders (number);
