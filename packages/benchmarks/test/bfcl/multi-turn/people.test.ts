/** TwitterAPI, MessageAPI and TicketAPI. */
import { describe, expect, it } from 'vitest';
import { checkMultiTurn, Shared, Simulation } from '../../../src/bfcl/multi-turn/index.ts';
import { errorText, instanceOf, madeEntry, raised } from './made.ts';

describe('TwitterAPI', () => {
  const CONFIG = `{"authenticated": true, "username": "ann", "password": "p", "tweet_counter": 10,
    "tweets": {"3": {"id": 3, "username": "bob", "content": "Hello", "tags": ["#Fun"]}},
    "comments": {"3": [{"username": "x", "content": "old"}]}}`;
  const account = () => instanceOf('TwitterAPI', CONFIG);

  it('posts under the counter, and finds posts by ints', () => {
    expect(
      account()("post_tweet('Hi', ['#a'], ['@b'])", 'get_tweet(10.0)', "get_tweet('3')", 'get_tweet(True)'),
    ).toEqual([
      '{"id": 10, "username": "ann", "content": "Hi", "tags": ["#a"], "mentions": ["@b"]}',
      '{"id": 10, "username": "ann", "content": "Hi", "tags": ["#a"], "mentions": ["@b"]}',
      errorText('Tweet with ID 3 not found.'),
      errorText('Tweet with ID True not found.'),
    ]);
  });

  it('never finds configured comments, whose keys stay texts', () => {
    expect(account()('get_tweet_comments(3)', "comment(3,'hi')", 'get_tweet_comments(3)')).toEqual([
      '[]',
      '{"comment_status": "Comment added successfully"}',
      "[{'username': 'ann', 'content': 'hi'}]",
    ]);
  });

  it('searches contents in part, tags as a whole, whatever the case', () => {
    const found = "[{'id': 3, 'username': 'bob', 'content': 'Hello', 'tags': ['#Fun']}]";
    expect(account()("search_tweets('ELL')", "search_tweets('#fun')", "search_tweets('fun')")).toEqual([
      found,
      found,
      '[]',
    ]);
    expect(account()('search_tweets(1)')).toEqual([raised("'int' object has no attribute 'lower'")]);
  });

  it('wants a login for most, but not for mentions', () => {
    const stranger = instanceOf('TwitterAPI', CONFIG.replace('true', 'false'));
    expect(
      stranger(
        "post_tweet('x')",
        "comment(3,'x')",
        "mention(3,['@a'])",
        "authenticate_twitter('ann','q')",
        "authenticate_twitter('ann','p')",
      ),
    ).toEqual([
      errorText('User not authenticated. Please authenticate before posting.'),
      raised('exceptions must derive from BaseException'),
      raised("'mentions'"),
      '{"authentication_status": false}',
      '{"authentication_status": true}',
    ]);
  });

  it('follows and counts', () => {
    expect(
      account()(
        "follow_user('alice')",
        "follow_user('carol')",
        "unfollow_user('bob')",
        'list_all_following()',
        'retweet(3)',
        'retweet(3)',
        "get_user_stats('ann')",
      ),
    ).toEqual([
      '{"follow_status": false}',
      '{"follow_status": true}',
      '{"unfollow_status": true}',
      "['alice', 'carol']",
      '{"retweet_status": "Successfully retweeted"}',
      '{"retweet_status": "Already retweeted"}',
      '{"tweet_count": 0, "following_count": 2, "retweet_count": 1}',
    ]);
  });

  it('has one list of mentions for all posts without any, on both sides of an entry', () => {
    const entry = madeEntry('TwitterAPI', CONFIG, {
      groundTruth: [["post_tweet('a')"], ["follow_user('carol')"]],
    });
    const turns = [[["post_tweet('a')"]], [["mention(10,['@b'])", "follow_user('carol')"]]];
    expect(checkMultiTurn(entry, turns)).toEqual({ valid: true });
    const shared = new Shared();
    expect(checkMultiTurn(entry, turns, { shared })).toEqual({ valid: true });
    expect(new Simulation(entry, { shared }).execute(["post_tweet('a')"])).toEqual([
      '{"id": 10, "username": "ann", "content": "a", "tags": [], "mentions": ["@b"]}',
    ]);
  });
});

describe('MessageAPI', () => {
  const space = (config = '{"current_user": "USR001"}') => instanceOf('MessageAPI', config);

  it('draws ids of five digits', () => {
    const sent = space()(...Array.from({ length: 6 }, () => "send_message('USR002','x')"));
    const ids = sent.map(
      (text) => (JSON.parse(text) as { message_id: { new_id: number } }).message_id.new_id,
    );
    expect(ids).toEqual([67410, 41772, 24547, 24421, 60424, 33485]);
  });

  it('groups what is in the inbox by receiver', () => {
    const inbox = '{"current_user": "USR001", "inbox": [{"USR002": ["a"]}, {"USR003": "b", "more": 1}]}';
    expect(space(inbox)("send_message('USR002','c')", 'view_messages_sent()', 'get_message_stats()')).toEqual(
      [
        '{"sent_status": true, "message_id": {"new_id": 67410}, "message": "Message sent to \'USR002\' successfully."}',
        '{"messages": {"USR002": [["a"], "c"], "USR003": ["b"]}}',
        '{"stats": {"received_count": 3, "total_contacts": 2}}',
      ],
    );
    expect(space(inbox)("search_messages('b')")).toEqual([raised("'list' object has no attribute 'lower'")]);
  });

  it('deletes the latest message to a receiver, or the earliest that is equal to it', () => {
    expect(
      space()(
        "send_message('USR003','Could you upload the file?')",
        "delete_message('USR003')",
        'view_messages_sent()',
        "delete_message('USR009')",
      ).slice(1),
    ).toEqual([
      '{"deleted_status": true, "message_id": "USR003", "message": "Receiver USR003\'s first message deleted successfully."}',
      '{"messages": {"USR002": ["My name is Alice. I want to connect."], "USR004": ["Could you upload the file?"], ' +
        '"USR003": ["Could you upload the file?"]}}',
      errorText('Receiver ID USR009 not found.'),
    ]);
  });

  it('counts users up even if their id is taken', () => {
    const taken = '{"user_count": 4, "user_map": {"Eve": "USR005"}}';
    expect(
      space(taken)("add_contact('Bob')", "add_contact('Bob')", "add_contact('Bob')", 'list_users()'),
    ).toEqual([
      errorText("User ID 'USR005' already exists."),
      '{"added_status": true, "user_id": "USR006", "message": "Contact \'Bob\' added successfully."}',
      errorText("User name 'Bob' already exists."),
      '{"user_list": ["Eve", "Bob"]}',
    ]);
  });

  it('wants somebody to be logged in', () => {
    expect(
      space('{}')(
        "send_message('USR002','x')",
        "message_login('USR009')",
        "message_login('USR001')",
        "get_user_id('Bob')",
      ),
    ).toEqual([
      errorText('No user is currently logged in.'),
      '{"login_status": false, "message": "User ID \'USR009\' not found."}',
      '{"login_status": true, "message": "User \'USR001\' logged in successfully."}',
      '{"user_id": "USR002"}',
    ]);
  });
});

describe('TicketAPI', () => {
  const CONFIG = `{"current_user": "ann", "ticket_counter": 2,
    "ticket_queue": [{"id": 1, "title": "t", "status": "Open", "created_by": "ann"}]}`;
  const desk = () => instanceOf('TicketAPI', CONFIG);

  it('creates tickets of priorities from one to five', () => {
    expect(
      desk()("create_ticket('x')", "create_ticket('x',priority=6)", "create_ticket('x',priority='1')"),
    ).toEqual([
      '{"id": 2, "title": "x", "description": "", "status": "Open", "priority": 1, "created_by": "ann"}',
      errorText('Invalid priority. Priority must be between 1 and 5.'),
      raised("'<' not supported between instances of 'str' and 'int'"),
    ]);
  });

  it('closes, resolves and edits', () => {
    expect(
      desk()(
        'close_ticket(1)',
        'close_ticket(1)',
        "resolve_ticket(1,'done')",
        "edit_ticket(1,{'priority': 2, 'title': None})",
        "edit_ticket(1,{'owner': 2})",
        'edit_ticket(1,None)',
        'get_ticket(1)',
        'get_ticket(9)',
      ),
    ).toEqual([
      '{"status": "Ticket 1 has been closed successfully."}',
      errorText('Ticket with ID 1 is already closed.'),
      '{"status": "Ticket 1 has been resolved successfully."}',
      '{"status": "Ticket 1 has been updated successfully."}',
      errorText('Invalid fields for update: owner'),
      raised("'NoneType' object has no attribute 'keys'"),
      '{"id": 1, "title": "t", "status": "Resolved", "created_by": "ann", "resolution": "done", "priority": 2}',
      errorText('Ticket with ID 9 not found.'),
    ]);
  });

  it('lists the tickets of who is logged in, as a Python list', () => {
    expect(
      desk()(
        "get_user_tickets('OPEN')",
        "get_user_tickets('closed')",
        'logout()',
        'get_user_tickets()',
        'logout()',
      ),
    ).toEqual([
      "[{'id': 1, 'title': 't', 'status': 'Open', 'created_by': 'ann'}]",
      '[]',
      '{"success": true}',
      "[{'error': 'User not authenticated. Please log in to view tickets.'}]",
      '{"success": false}',
    ]);
    expect(desk()("ticket_login('','x')", "ticket_login('a','x')", 'ticket_get_login_status()')).toEqual([
      '{"success": false}',
      '{"success": true}',
      '{"username": true}',
    ]);
  });

  it('stops at a ticket without an id', () => {
    expect(instanceOf('TicketAPI', '{"ticket_queue": [{}]}')('get_ticket(1)')).toEqual([raised("'id'")]);
  });
});
