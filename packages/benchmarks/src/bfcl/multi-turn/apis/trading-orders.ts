/** TradingBot's orders and account. */
import { compare, hashable, item, iterate, setItem } from '../python/compare.ts';
import { noAttribute } from '../python/errors.ts';
import { order, parseMoment } from '../python/dates.ts';
import { add, subtract, toFloat } from '../python/numbers.ts';
import { repr, str } from '../python/print.ts';
import { copyOf, Dict, dict, equal, truthy, type Value } from '../python/value.ts';
import { failed, lookUp, transact, type Trading } from './trading-state.ts';

function orderIds({ state }: Trading): Value[] {
  if (!(state.orders instanceof Dict)) throw noAttribute(state.orders, 'keys');
  return state.orders.keys();
}

export function orderDetails(trading: Trading, id: Value): Value {
  const { state, long } = trading;
  const details = lookUp(state.orders, id);
  if (details === undefined) {
    // No blank after the period.
    return failed(
      `Order with ID ${str(id)} not found.Here is the list of orders_id: ${repr(orderIds(trading))}`,
    );
  }
  if (long === undefined) return details;
  if (!(details instanceof Dict)) throw noAttribute(details, 'copy');
  const symbol = str(item(details, 'symbol'));
  const metadata = long.dict('ORDER_DETAIL_EXTENSION');
  for (const [key, text] of metadata.entries()) metadata.set(key, str(text).replaceAll('{symbol}', symbol));
  const shown = copyOf(details);
  setItem(shown, 'metadata', metadata);
  return shown;
}

export function cancelOrder({ state }: Trading, id: Value): Value {
  const details = lookUp(state.orders, id);
  if (details === undefined) return failed(`Order with ID ${str(id)} not found.`);
  if (equal(item(details, 'status'), 'Completed'))
    return failed(`Can't cancel order ${str(id)}. Order is already completed.`);
  setItem(details, 'status', 'Cancelled');
  return dict({ order_id: id, status: 'Cancelled' });
}

export function placeOrder(
  { state }: Trading,
  order_type: Value,
  symbol: Value,
  wantedPrice: Value,
  amount: Value,
): Value {
  if (lookUp(state.stocks, symbol) === undefined) return failed(`Invalid stock symbol: ${str(symbol)}`);
  if (compare(wantedPrice, '<=', 0n) || compare(amount, '<=', 0n))
    return failed('Price and amount must be positive values.');
  const price = toFloat(wantedPrice);
  const id = state.order_counter;
  const kept = dict({ id, order_type, symbol, price, amount, status: 'Open' });
  setItem(state.orders, hashable(id), kept);
  state.order_counter = add(id, 1n, '+=');
  // Kept as open, told as pending.
  return dict({ order_id: id, order_type, status: 'Pending', price, amount });
}

export function orderHistory(trading: Trading): Value {
  if (!truthy(trading.state.authenticated))
    return [failed('User not authenticated. Please log in to view order history.')];
  return dict({ history: orderIds(trading) });
}

export function fundAccount(trading: Trading, amount: Value): Value {
  if (compare(amount, '<=', 0n)) return failed('Funding amount must be positive.');
  const balance = add(item(trading.state.account_info, 'balance'), amount, '+=');
  const new_balance = transact(trading, 'deposit', amount, balance);
  return dict({ status: 'Account funded successfully', new_balance });
}

export function makeTransaction(trading: Trading, account: Value, type: Value, amount: Value): Value {
  const { market_status, account_info } = trading.state;
  if (!equal(market_status, 'Open')) return failed('Market is closed. Transactions are not allowed.');
  if (!equal(account, item(account_info, 'account_id')))
    return failed(`Account with ID ${str(account)} not found.`);
  if (compare(amount, '<=', 0n)) return failed('Transaction amount must be positive.');
  if (equal(type, 'deposit')) {
    const balance = add(item(account_info, 'balance'), amount, '+=');
    const new_balance = transact(trading, 'deposit', amount, balance);
    return dict({ status: 'Deposit successful', new_balance });
  }
  if (!equal(type, 'withdrawal')) return failed("Invalid transaction type. Use 'deposit' or 'withdrawal'.");
  const balance = item(account_info, 'balance');
  if (compare(amount, '>', balance)) return failed('Insufficient funds for withdrawal.');
  const new_balance = transact(trading, 'withdrawal', amount, subtract(balance, amount, '-='));
  return dict({ status: 'Withdrawal successful', new_balance });
}

/** A falsy date is no bound; any other means its midnight, so that an end excludes most of its own day. */
export function transactionHistory({ state, long }: Trading, start: Value, end: Value): Value {
  if (!truthy(state.authenticated))
    return [failed('User not authenticated. Please log in to view transaction history.')];
  const [from, until] = [
    truthy(start) ? order(parseMoment(start, '%Y-%m-%d')) : -Infinity,
    truthy(end) ? order(parseMoment(end, '%Y-%m-%d')) : Infinity,
  ];
  const shown = iterate(state.transaction_history).filter((transaction) => {
    const at = order(parseMoment(item(transaction, 'timestamp'), '%Y-%m-%d %H:%M:%S'));
    return from <= at && at <= until;
  });
  return dict({
    transaction_history: [...shown, ...(long?.list('TRANSACTION_HISTORY_EXTENSION') ?? [])],
  });
}
