/** MessageAPI: a workspace whose users send each other messages. */
import { contains, hashable, iterate } from '../python/compare.ts';
import { noAttribute, Raised } from '../python/errors.ts';
import { add } from '../python/numbers.ts';
import { str } from '../python/print.ts';
import { MersenneTwister } from '../python/random.ts';
import { lower } from '../python/text.ts';
import { Dict, dict, equal, truthy, type Key, type Value } from '../python/value.ts';
import { configured, defineApi, differing, type Setup } from './api.ts';
import { method } from './method.ts';

interface Messages {
  readonly state: Record<'user_count' | 'user_map' | 'inbox' | 'message_count' | 'current_user', Value>;
  /** A set: the keys of a dict. */
  readonly generatedIds: Dict;
  readonly random: MersenneTwister;
}

const SEED = 200191;
const ID_DIGITS = 3;

function defaultUsers(): Dict {
  return dict({ Alice: 'USR001', Bob: 'USR002', Catherine: 'USR003', Daniel: 'USR004' });
}

function defaultInbox(): Value[] {
  const file = 'Could you upload the file?';
  return [
    dict({ USR002: 'My name is Alice. I want to connect.' }),
    dict({ USR003: file }),
    dict({ USR004: file }),
  ];
}

function load({ config }: Setup): Messages {
  const ids = iterate(configured(config, 'generated_ids', []));
  return {
    state: {
      user_count: configured(config, 'user_count', 4n),
      user_map: configured(config, 'user_map', defaultUsers()),
      inbox: configured(config, 'inbox', defaultInbox()),
      message_count: configured(config, 'message_count', 3n),
      current_user: configured(config, 'current_user', null),
    },
    generatedIds: new Dict(ids.map((id) => [hashable(id), null] as const)),
    random: new MersenneTwister(SEED),
  };
}

function users(messages: Messages): Dict {
  const map = messages.state.user_map;
  if (!(map instanceof Dict)) throw noAttribute(map, 'keys');
  return map;
}

function inbox(messages: Messages): readonly Value[] {
  return iterate(messages.state.inbox);
}

function isUserId(messages: Messages, id: Value): boolean {
  return contains(users(messages).values(), id);
}

/** The first key and value of an entry of the inbox; the others are never looked at. */
function firstOf(entry: Value): readonly [Key, Value] {
  if (!(entry instanceof Dict)) throw noAttribute(entry, 'keys');
  const first = entry.entries()[0];
  if (first === undefined) throw new Raised('IndexError', 'list index out of range');
  return first;
}

/** A method that wants somebody to be logged in. */
function loggedIn<Values extends Value[]>(
  run: (messages: Messages, ...values: Values) => Value,
): (messages: Messages, ...values: Values) => Value {
  return (messages, ...values) =>
    truthy(messages.state.current_user)
      ? run(messages, ...values)
      : dict({ error: 'No user is currently logged in.' });
}

function getUserId(messages: Messages, user: Value): Value {
  const key = hashable(user);
  const id = users(messages).get(key);
  return id === undefined
    ? dict({ error: `User '${str(user)}' not found in the workspace.` })
    : dict({ user_id: id });
}

function login(messages: Messages, id: Value): Value {
  if (!isUserId(messages, id))
    return dict({ login_status: false, message: `User ID '${str(id)}' not found.` });
  messages.state.current_user = id;
  return dict({ login_status: true, message: `User '${str(id)}' logged in successfully.` });
}

function newId({ random, generatedIds }: Messages): bigint {
  for (;;) {
    const id = BigInt(random.randint(10_000, 99_999));
    if (generatedIds.has(id)) continue;
    generatedIds.set(id, null);
    return id;
  }
}

function sendMessage(messages: Messages, receiver: Value, message: Value): Value {
  if (!isUserId(messages, receiver)) return dict({ error: `Receiver ID '${str(receiver)}' not found.` });
  const id = newId(messages);
  const { state } = messages;
  state.inbox = add(state.inbox, [new Dict([[hashable(receiver), message]])]);
  state.message_count = add(state.message_count, 1n, '+=');
  return dict({
    sent_status: true,
    message_id: dict({ new_id: id }),
    message: `Message sent to '${str(receiver)}' successfully.`,
  });
}

function deleteMessage(messages: Messages, receiver: Value): Value {
  const entries = inbox(messages);
  const last = entries.findLast((entry) => equal(firstOf(entry)[0], receiver));
  if (last === undefined) return dict({ error: `Receiver ID ${str(receiver)} not found.` });
  // Of equal messages the earliest goes, though the search began at the end.
  const gone = entries.findIndex((entry) => equal(entry, last));
  messages.state.inbox = entries.filter((_, i) => i !== gone);
  return dict({
    deleted_status: true,
    message_id: receiver,
    message: `Receiver ${str(receiver)}'s first message deleted successfully.`,
  });
}

function viewMessages(messages: Messages): Value {
  const grouped = new Dict();
  for (const entry of inbox(messages)) {
    const [receiver, message] = firstOf(entry);
    const earlier = grouped.get(receiver);
    grouped.set(receiver, Array.isArray(earlier) ? [...earlier, message] : [message]);
  }
  return dict({ messages: grouped });
}

function addContact(messages: Messages, name: Value): Value {
  const map = users(messages);
  const key = hashable(name);
  if (map.has(key)) return dict({ error: `User name '${str(name)}' already exists.` });
  const { state } = messages;
  state.user_count = add(state.user_count, 1n, '+=');
  const id = `USR${str(state.user_count).padStart(ID_DIGITS, '0')}`;
  if (isUserId(messages, id)) return dict({ error: `User ID '${id}' already exists.` });
  map.set(key, id);
  return dict({
    added_status: true,
    user_id: id,
    message: `Contact '${str(name)}' added successfully.`,
  });
}

function searchMessages(messages: Messages, keyword: Value): Value {
  const wanted = lower(keyword);
  const results: Value[] = [];
  for (const entry of inbox(messages)) {
    const [receiver, message] = firstOf(entry);
    if (lower(message).includes(wanted)) results.push(dict({ receiver_id: receiver, message }));
  }
  return dict({ results });
}

function messageStats(messages: Messages): Value {
  const entries = inbox(messages);
  const contacts = new Dict(entries.map((entry) => [firstOf(entry)[0], null] as const));
  const stats = dict({ received_count: BigInt(entries.length), total_contacts: BigInt(contacts.size) });
  return dict({ stats });
}

export const messageApi = defineApi<Messages>({
  className: 'MessageAPI',
  load,
  differences: (a, b) =>
    differing({ generated_ids: a.generatedIds, ...a.state }, { generated_ids: b.generatedIds, ...b.state }),
  methods: {
    list_users: method([], (messages: Messages) => dict({ user_list: users(messages).keys() })),
    get_user_id: method(['user'], getUserId),
    message_login: method(['user_id'], login),
    message_get_login_status: method([], ({ state }: Messages) =>
      dict({ login_status: truthy(state.current_user) }),
    ),
    send_message: method(['receiver_id', 'message'], loggedIn(sendMessage)),
    delete_message: method(['receiver_id'], loggedIn(deleteMessage)),
    view_messages_sent: method([], loggedIn(viewMessages)),
    add_contact: method(['user_name'], addContact),
    search_messages: method(['keyword'], loggedIn(searchMessages)),
    get_message_stats: method([], loggedIn(messageStats)),
  },
});
