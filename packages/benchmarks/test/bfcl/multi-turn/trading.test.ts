/** TradingBot. */
import { describe, expect, it } from 'vitest';
import { errorText, instanceOf, raised } from './made.ts';

const CONFIG = `{
  "orders": {"12345": {"symbol": "AAPL", "price": 1.5, "num_shares": 2, "status": "Open"}, "order_type": "Buy"},
  "account_info": {"account_id": 7, "balance": 100, "binding_card": 9876543210123456},
  "authenticated": true, "market_status": "Closed", "order_counter": 12446,
  "stocks": {"AAPL": {"price": 200.0, "percent_change": 0.5, "volume": 1, "MA(5)": 1.0, "MA(20)": 2.0}},
  "watch_list": ["NVDA"],
  "transaction_history": [{"type": "deposit", "amount": 1, "timestamp": "2024-01-15 10:00:00"}]
}`;
const broker = () => instanceOf('TradingBot', CONFIG);

describe('orders', () => {
  it('have ints for ids, beside whatever else was configured', () => {
    expect(
      broker()('get_order_history()', "get_order_details('12345')", "get_order_details('order_type')"),
    ).toEqual([
      '{"history": [12345, "order_type"]}',
      errorText("Order with ID 12345 not found.Here is the list of orders_id: [12345, 'order_type']"),
      'Buy',
    ]);
    expect(broker()('get_order_details(12345.0)')).toEqual([
      '{"symbol": "AAPL", "price": 1.5, "num_shares": 2, "status": "Open"}',
    ]);
  });

  it('are told as pending and kept as open', () => {
    expect(
      broker()("place_order('Buy','AAPL',200,3)", 'get_order_details(12446)', 'get_order_history()'),
    ).toEqual([
      '{"order_id": 12446, "order_type": "Buy", "status": "Pending", "price": 200.0, "amount": 3}',
      '{"id": 12446, "order_type": "Buy", "symbol": "AAPL", "price": 200.0, "amount": 3, "status": "Open"}',
      '{"history": [12345, "order_type", 12446]}',
    ]);
    expect(broker()("place_order('Buy','XYZ',1,1)", "place_order('Buy','AAPL',0,1)")).toEqual([
      errorText('Invalid stock symbol: XYZ'),
      errorText('Price and amount must be positive values.'),
    ]);
  });

  it('can be cancelled, also twice, unless they are completed', () => {
    expect(
      broker()('cancel_order(12345)', 'cancel_order(12345)', 'cancel_order(1)', "cancel_order('order_type')"),
    ).toEqual([
      '{"order_id": 12345, "status": "Cancelled"}',
      '{"order_id": 12345, "status": "Cancelled"}',
      errorText('Order with ID 1 not found.'),
      raised("string indices must be integers, not 'str'"),
    ]);
    expect(instanceOf('TradingBot')('cancel_order(12345)')).toEqual([
      errorText("Can't cancel order 12345. Order is already completed."),
    ]);
  });
});

describe('money', () => {
  it('moves while the market is open; ints stay ints until a float comes', () => {
    expect(
      broker()(
        "make_transaction(7,'deposit',5)",
        "update_market_status('9:30 am')",
        "make_transaction(7,'deposit',5)",
        "make_transaction(7,'withdrawal',200)",
        "make_transaction(7,'withdrawal',0.5)",
        "make_transaction(8,'deposit',5)",
        "make_transaction(7,'gift',5)",
      ),
    ).toEqual([
      errorText('Market is closed. Transactions are not allowed.'),
      '{"status": "Open"}',
      '{"status": "Deposit successful", "new_balance": 105}',
      errorText('Insufficient funds for withdrawal.'),
      '{"status": "Withdrawal successful", "new_balance": 104.5}',
      errorText('Account with ID 8 not found.'),
      errorText("Invalid transaction type. Use 'deposit' or 'withdrawal'."),
    ]);
  });

  it('is written down with times drawn from the next day', () => {
    const results = broker()(
      'fund_account(1)',
      'fund_account(2)',
      'fund_account(3)',
      "get_transaction_history('2024-02-01')",
      "get_transaction_history(end_date='2024-01-15')",
    );
    expect(results.slice(2)).toEqual([
      '{"status": "Account funded successfully", "new_balance": 106}',
      '{"transaction_history": [{"type": "deposit", "amount": 1, "timestamp": "2024-09-02 05:40:15"}, ' +
        '{"type": "deposit", "amount": 2, "timestamp": "2024-09-01 12:26:34"}, ' +
        '{"type": "deposit", "amount": 3, "timestamp": "2024-09-02 04:29:48"}]}',
      // The end is a midnight, before 10 o'clock of the same day.
      '{"transaction_history": []}',
    ]);
  });

  it('is shown with every digit', () => {
    expect(broker()('get_account_info()')).toEqual([
      '{"account_id": 7, "balance": 100, "binding_card": 9876543210123456}',
    ]);
  });
});

describe('the market', () => {
  it('is open from half past nine to four, both included', () => {
    const status = (time: string): string => broker()(`update_market_status('${time}')`)[0] ?? '';
    expect(['9:29 AM', '04:00 PM', '4:01 PM', '12:00 PM', '12:00 AM'].map(status)).toEqual(
      ['Closed', 'Open', 'Closed', 'Open', 'Closed'].map((one) => `{"status": "${one}"}`),
    );
    expect(status('10:30AM')).toBe(raised("time data '10:30AM' does not match format '%I:%M %p'"));
    expect(status('10:30 AM!')).toBe(raised('unconverted data remains: !'));
  });

  it('updates prices with the change in percent', () => {
    expect(broker()("update_stock_price('AAPL',250)", "get_stock_info('AAPL')")).toEqual([
      '{"symbol": "AAPL", "old_price": 200.0, "new_price": 250}',
      '{"price": 250, "percent_change": 25.0, "volume": 1, "MA(5)": 1.0, "MA(20)": 2.0}',
    ]);
  });

  it('filters stocks, for which unknown ones are free, and tells changes', () => {
    expect(
      broker()(
        "filter_stocks_by_price(['AAPL','XYZ'],0,200)",
        "notify_price_change(['AAPL','XYZ'],0.5)",
        "notify_price_change(['AAPL'],1)",
        "get_symbol_by_name('Quasar Ltd.')",
        "get_symbol_by_name('quasar')",
      ),
    ).toEqual([
      '{"filtered_stocks": ["AAPL", "XYZ"]}',
      '{"notification": "Stocks AAPL have significant price changes."}',
      '{"notification": "No significant price changes in the selected stocks."}',
      '{"symbol": "QUAS"}',
      '{"symbol": "Stock not found"}',
    ]);
  });
});

describe('the watch list', () => {
  it('answers an addition with the whole list, whatever was added', () => {
    expect(
      broker()(
        "add_to_watchlist('AAPL')",
        "add_to_watchlist('AAPL')",
        "add_to_watchlist('XYZ')",
        "remove_stock_from_watchlist('NVDA')",
        'get_watchlist()',
      ),
    ).toEqual([
      '{"symbol": ["NVDA", "AAPL"]}',
      '{"symbol": ["NVDA", "AAPL"]}',
      '{"symbol": ["NVDA", "AAPL"]}',
      '{"status": "Stock NVDA removed from watchlist successfully."}',
      '{"watchlist": ["AAPL"]}',
    ]);
  });

  it('is a Python list with an ellipsis in the long context', () => {
    expect(instanceOf('TradingBot', CONFIG, 'long')('get_watchlist()')).toEqual([
      "['NVDA', 'LONG', Ellipsis]",
    ]);
  });
});

it('asks for a login, in errors of three forms', () => {
  const results = broker()(
    'trading_logout()',
    'trading_logout()',
    'get_watchlist()',
    'get_order_history()',
    'get_account_info()',
    "trading_login('a','b')",
    "trading_login('a','b')",
  );
  expect(results).toEqual([
    '{"status": "Logged out successfully"}',
    '{"status": "No user is currently logged in"}',
    "['Error: User not authenticated. Please log in to view the watchlist.']",
    "[{'error': 'User not authenticated. Please log in to view order history.'}]",
    errorText('User not authenticated. Please log in to view account information.'),
    '{"status": "Logged in successfully"}',
    '{"status": "Already logged in"}',
  ]);
});

it('shows more of stocks, orders and transactions in the long context', () => {
  const long = instanceOf('TradingBot', CONFIG, 'long');
  expect(
    long(
      "get_stock_info('AAPL')",
      'get_order_details(12345)',
      'get_transaction_history()',
      "get_available_stocks('Technology')",
      "get_order_details('order_type')",
    ),
  ).toEqual([
    '{"price": 200.0, "percent_change": 0.5, "volume": 1, "MA(5)": [1.5, 2], "MA(20)": [3.0]}',
    '{"symbol": "AAPL", "price": 1.5, "num_shares": 2, "status": "Open", "metadata": {"overview": "AAPL and AAPL."}}',
    '{"transaction_history": [{"type": "deposit", "amount": 1, "timestamp": "2024-01-15 10:00:00"}, ' +
      '{"type": "deposit", "amount": 1.5, "timestamp": "2020-01-01 00:00:00.000001"}]}',
    '{"stock_list": ["AAPL", "GOOG", "MSFT", "NVDA", "AAPL", "TEC"]}',
    raised("'str' object has no attribute 'copy'"),
  ]);
});
