select party, legal_entity, currency,
    coalesce(sum(open_minor) filter (where due_day >= $1), 0),
    coalesce(sum(open_minor) filter (where due_day < $1 and due_day >= $2), 0),
    coalesce(sum(open_minor) filter (where due_day < $2 and due_day >= $3), 0),
    coalesce(sum(open_minor) filter (where due_day < $3 and due_day >= $4), 0),
    coalesce(sum(open_minor) filter (where due_day < $4), 0)
from invoice where flow = 'receivable'
group by party, legal_entity, currency order by party, legal_entity, currency
