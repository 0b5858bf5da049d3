-- What is open of each invoice, in typed columns, and an index for each aging that holds all there is to add up.
create table invoice (
    id integer primary key,
    flow text not null,
    party text not null,
    legal_entity text not null,
    currency text not null,
    due_day integer not null,
    open_minor integer not null
) strict;
create index invoice_party on invoice (flow, party, legal_entity, currency, due_day, open_minor);
create index invoice_due on invoice (flow, legal_entity, currency, due_day, open_minor);
