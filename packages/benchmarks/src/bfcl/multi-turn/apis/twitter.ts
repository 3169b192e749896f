/** TwitterAPI: posts, comments and followers of one account. */
import { contains, hashable, indexOf, item, iterate, setItem } from '../python/compare.ts';
import { noAttribute, typeError } from '../python/errors.ts';
import { add, toInt } from '../python/numbers.ts';
import { str } from '../python/print.ts';
import { codePoints, lower } from '../python/text.ts';
import { Dict, dict, equal, Opaque, truthy, typeName, type Key, type Value } from '../python/value.ts';
import { configured, defineApi, differing, type Setup } from './api.ts';
import { method } from './method.ts';
import type { Shared } from '../shared.ts';

type PublicState = Record<
  | 'username'
  | 'password'
  | 'authenticated'
  | 'tweets'
  | 'comments'
  | 'retweets'
  | 'following_list'
  | 'tweet_counter',
  Value
>;

interface Twitter extends PublicState {
  readonly shared: Shared;
}

/** Stands for tags and mentions that were left out: Python then takes a list that all posts have in common. */
const OMITTED = new Opaque('list', '[]');

function load({ config, shared }: Setup): Twitter {
  const tweets = asDict(configured(config, 'tweets', new Dict()), 'items');
  return {
    username: configured(config, 'username', 'john'),
    password: configured(config, 'password', 'john123'),
    authenticated: configured(config, 'authenticated', false),
    // JSON made texts of the ids; those of the comments stay texts.
    tweets: new Dict(tweets.entries().map(([id, tweet]) => [toInt(id), tweet] as const)),
    comments: configured(config, 'comments', new Dict()),
    retweets: configured(config, 'retweets', new Dict()),
    following_list: configured(config, 'following_list', ['alice', 'bob']),
    tweet_counter: configured(config, 'tweet_counter', 0n),
    shared,
  };
}

function asDict(value: Value, attribute: string): Dict {
  if (value instanceof Dict) return value;
  throw noAttribute(value, attribute);
}

function asList(value: Value): Value[] {
  if (Array.isArray(value)) return value;
  throw noAttribute(value, 'append');
}

/** The list under a key, made where there is none. */
function listAt(map: Value, key: Key): Value[] {
  const lists = asDict(map, 'get');
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return asList(list);
}

/** A method that wants the account to be authenticated, `before` something. */
function authenticated<Values extends Value[]>(
  before: string,
  run: (twitter: Twitter, ...values: Values) => Value,
): (twitter: Twitter, ...values: Values) => Value {
  return (twitter, ...values) =>
    truthy(twitter.authenticated)
      ? run(twitter, ...values)
      : dict({ error: `User not authenticated. Please authenticate before ${before}.` });
}

/** Runs `use` on the tweet with that id. */
function onTweet(twitter: Twitter, id: Value, use: (tweet: Value, id: Key) => Value): Value {
  const key = hashable(id);
  const tweet = asDict(twitter.tweets, 'keys').get(key);
  return tweet === undefined ? dict({ error: `Tweet with ID ${str(id)} not found.` }) : use(tweet, key);
}

function authenticate(twitter: Twitter, username: Value, password: Value): Value {
  const right = equal(username, twitter.username) && equal(password, twitter.password);
  if (right) twitter.authenticated = true;
  return dict({ authentication_status: right });
}

function postTweet(twitter: Twitter, content: Value, givenTags: Value, givenMentions: Value): Value {
  const tags = givenTags === OMITTED ? twitter.shared.tags : givenTags;
  const mentions = givenMentions === OMITTED ? twitter.shared.mentions : givenMentions;
  const id = twitter.tweet_counter;
  const tweet = dict({ id, username: twitter.username, content, tags, mentions });
  setItem(twitter.tweets, hashable(id), tweet);
  twitter.tweet_counter = add(id, 1n, '+=');
  return tweet;
}

function retweet(twitter: Twitter, tweetId: Value): Value {
  return onTweet(twitter, tweetId, (_tweet, id) => {
    const retweets = listAt(twitter.retweets, hashable(twitter.username));
    if (contains(retweets, id)) return dict({ retweet_status: 'Already retweeted' });
    retweets.push(id);
    return dict({ retweet_status: 'Successfully retweeted' });
  });
}

function comment(twitter: Twitter, tweetId: Value, content: Value): Value {
  if (!truthy(twitter.authenticated)) throw typeError('exceptions must derive from BaseException');
  return onTweet(twitter, tweetId, (_tweet, id) => {
    listAt(twitter.comments, id).push(dict({ username: twitter.username, content }));
    return dict({ comment_status: 'Comment added successfully' });
  });
}

function mention(twitter: Twitter, tweetId: Value, usernames: Value): Value {
  return onTweet(twitter, tweetId, (tweet) => {
    const mentions = asList(item(tweet, 'mentions'));
    mentions.push(...iterate(usernames));
    return dict({ mention_status: 'Users mentioned successfully' });
  });
}

function follow(twitter: Twitter, username: Value): Value {
  const following = asList(twitter.following_list);
  if (contains(following, username)) return dict({ follow_status: false });
  following.push(username);
  return dict({ follow_status: true });
}

function unfollow(twitter: Twitter, username: Value): Value {
  const following = asList(twitter.following_list);
  const at = indexOf(following, username);
  if (at >= 0) following.splice(at, 1);
  return dict({ unfollow_status: at >= 0 });
}

function tweetsOf(twitter: Twitter, username: Value): Value[] {
  return asDict(twitter.tweets, 'values')
    .values()
    .filter((tweet) => equal(item(tweet, 'username'), username));
}

function searchTweets(twitter: Twitter, keyword: Value): Value {
  return asDict(twitter.tweets, 'values')
    .values()
    .filter((tweet) => {
      const wanted = lower(keyword);
      if (lower(item(tweet, 'content')).includes(wanted)) return true;
      return iterate(item(tweet, 'tags')).some((tag) => lower(tag) === wanted);
    });
}

function tweetComments(twitter: Twitter, tweetId: Value): Value {
  return onTweet(twitter, tweetId, (_tweet, id) => asDict(twitter.comments, 'get').get(id) ?? []);
}

function userStats(twitter: Twitter, username: Value): Value {
  const retweets = asDict(twitter.retweets, 'get').get(hashable(username)) ?? [];
  const following = equal(username, twitter.username) ? twitter.following_list : [];
  return dict({
    tweet_count: BigInt(tweetsOf(twitter, username).length),
    following_count: lengthOf(following),
    retweet_count: lengthOf(retweets),
  });
}

function lengthOf(value: Value): bigint {
  if (typeof value === 'string') return BigInt(codePoints(value));
  if (Array.isArray(value)) return BigInt(value.length);
  if (value instanceof Dict) return BigInt(value.size);
  throw typeError(`object of type '${typeName(value)}' has no len()`);
}

export const twitterApi = defineApi<Twitter>({
  className: 'TwitterAPI',
  load,
  differences: ({ shared: _a, ...a }, { shared: _b, ...b }) => differing(a, b),
  methods: {
    authenticate_twitter: method(['username', 'password'], authenticate),
    posting_get_login_status: method([], (twitter: Twitter) =>
      dict({ login_status: truthy(twitter.authenticated) }),
    ),
    post_tweet: method(
      ['content', ['tags', OMITTED], ['mentions', OMITTED]],
      authenticated('posting', postTweet),
    ),
    retweet: method(['tweet_id'], authenticated('retweeting', retweet)),
    comment: method(['tweet_id', 'comment_content'], comment),
    mention: method(['tweet_id', 'mentioned_usernames'], mention),
    follow_user: method(['username_to_follow'], authenticated('following', follow)),
    list_all_following: method(
      [],
      authenticated('listing following', (twitter: Twitter) => twitter.following_list),
    ),
    unfollow_user: method(['username_to_unfollow'], authenticated('unfollowing', unfollow)),
    get_tweet: method(['tweet_id'], (twitter: Twitter, id) => onTweet(twitter, id, (tweet) => tweet)),
    get_user_tweets: method(['username'], (twitter: Twitter, username) => tweetsOf(twitter, username)),
    search_tweets: method(['keyword'], searchTweets),
    get_tweet_comments: method(['tweet_id'], tweetComments),
    get_user_stats: method(['username'], userStats),
  },
});
