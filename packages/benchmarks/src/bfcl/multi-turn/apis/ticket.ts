/** TicketAPI: a queue of support tickets. */
import { compare, contains, item, iterate, setItem } from '../python/compare.ts';
import { noAttribute } from '../python/errors.ts';
import { add } from '../python/numbers.ts';
import { str } from '../python/print.ts';
import { lower } from '../python/text.ts';
import { Dict, dict, equal, truthy, type Value } from '../python/value.ts';
import { configured, defineApi, differing, type Setup } from './api.ts';
import { method } from './method.ts';

type Tickets = Record<'ticket_queue' | 'ticket_counter' | 'current_user', Value>;

const EDITABLE = ['title', 'description', 'status', 'priority'];

function load({ config }: Setup): Tickets {
  return {
    ticket_queue: configured(config, 'ticket_queue', []),
    ticket_counter: configured(config, 'ticket_counter', 1n),
    current_user: configured(config, 'current_user', null),
  };
}

function failed(error: string): Dict {
  return dict({ error });
}

/** Runs `use` on the first ticket with that id. */
function onTicket(tickets: Tickets, id: Value, use: (ticket: Value) => Value): Value {
  for (const ticket of iterate(tickets.ticket_queue)) if (equal(item(ticket, 'id'), id)) return use(ticket);
  return failed(`Ticket with ID ${str(id)} not found.`);
}

function createTicket(tickets: Tickets, title: Value, description: Value, priority: Value): Value {
  if (!truthy(tickets.current_user))
    return failed('User not authenticated. Please log in to create a ticket.');
  if (compare(priority, '<', 1n) || compare(priority, '>', 5n))
    return failed('Invalid priority. Priority must be between 1 and 5.');
  const id = tickets.ticket_counter;
  const status = 'Open';
  const ticket = dict({ id, title, description, status, priority, created_by: tickets.current_user });
  tickets.ticket_queue = add(tickets.ticket_queue, [ticket]);
  tickets.ticket_counter = add(id, 1n, '+=');
  return ticket;
}

function closeTicket(tickets: Tickets, id: Value): Value {
  return onTicket(tickets, id, (ticket) => {
    if (equal(item(ticket, 'status'), 'Closed'))
      return failed(`Ticket with ID ${str(id)} is already closed.`);
    setItem(ticket, 'status', 'Closed');
    return dict({ status: `Ticket ${str(id)} has been closed successfully.` });
  });
}

function resolveTicket(tickets: Tickets, id: Value, resolution: Value): Value {
  return onTicket(tickets, id, (ticket) => {
    if (equal(item(ticket, 'status'), 'Resolved'))
      return failed(`Ticket with ID ${str(id)} is already resolved.`);
    setItem(ticket, 'status', 'Resolved');
    setItem(ticket, 'resolution', resolution);
    return dict({ status: `Ticket ${str(id)} has been resolved successfully.` });
  });
}

function editTicket(tickets: Tickets, id: Value, updates: Value): Value {
  return onTicket(tickets, id, (ticket) => {
    if (!(updates instanceof Dict)) throw noAttribute(updates, 'keys');
    const invalid = updates.keys().filter((key) => !contains(EDITABLE, key));
    if (invalid.length > 0) return failed(`Invalid fields for update: ${invalid.map(str).join(', ')}`);
    for (const [key, value] of updates.entries()) if (value !== null) setItem(ticket, key, value);
    return dict({ status: `Ticket ${str(id)} has been updated successfully.` });
  });
}

function login(tickets: Tickets, username: Value, password: Value): Value {
  const success = truthy(username) && truthy(password);
  if (success) tickets.current_user = username;
  return dict({ success });
}

function logout(tickets: Tickets): Value {
  const success = truthy(tickets.current_user);
  if (success) tickets.current_user = null;
  return dict({ success });
}

function userTickets(tickets: Tickets, status: Value): Value {
  if (!truthy(tickets.current_user))
    return [failed('User not authenticated. Please log in to view tickets.')];
  const own = iterate(tickets.ticket_queue).filter((ticket) =>
    equal(item(ticket, 'created_by'), tickets.current_user),
  );
  if (!truthy(status)) return own;
  return own.filter((ticket) => lower(item(ticket, 'status')) === lower(status));
}

export const ticketApi = defineApi<Tickets>({
  className: 'TicketAPI',
  load,
  differences: differing,
  methods: {
    create_ticket: method(['title', ['description', ''], ['priority', 1n]], createTicket),
    get_ticket: method(['ticket_id'], (tickets: Tickets, id) => onTicket(tickets, id, (ticket) => ticket)),
    close_ticket: method(['ticket_id'], closeTicket),
    resolve_ticket: method(['ticket_id', 'resolution'], resolveTicket),
    edit_ticket: method(['ticket_id', 'updates'], editTicket),
    ticket_login: method(['username', 'password'], login),
    ticket_get_login_status: method([], (tickets: Tickets) =>
      dict({ username: truthy(tickets.current_user) }),
    ),
    logout: method([], logout),
    get_user_tickets: method([['status', null]], userTickets),
  },
});
