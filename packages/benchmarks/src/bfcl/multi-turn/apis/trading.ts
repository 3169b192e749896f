/** TradingBot: an account at a stock exchange. Orders and stocks have files of their own. */
import { between } from '../python/compare.ts';
import { parseMoment } from '../python/dates.ts';
import { dict, truthy, type Value } from '../python/value.ts';
import { defineApi, differing } from './api.ts';
import { method } from './method.ts';
import {
  cancelOrder,
  fundAccount,
  makeTransaction,
  orderDetails,
  orderHistory,
  placeOrder,
  transactionHistory,
} from './trading-orders.ts';
import { authenticated, load, type Trading } from './trading-state.ts';
import {
  addToWatchList,
  availableStocks,
  filterByPrice,
  getWatchList,
  notifyPriceChange,
  removeFromWatchList,
  stockInfo,
  symbolByName,
  updateStockPrice,
} from './trading-stocks.ts';

/** The market's hours, both ends included, in minutes after midnight. */
const OPENS = 9 * 60 + 30;
const CLOSES = 16 * 60;

function updateMarketStatus({ state }: Trading, time: Value): Value {
  const { hour, minute } = parseMoment(time, '%I:%M %p');
  const status = between(OPENS, hour * 60 + minute, CLOSES) ? 'Open' : 'Closed';
  state.market_status = status;
  return dict({ status });
}

/** Any credentials will do. */
function login({ state }: Trading): Value {
  if (truthy(state.authenticated)) return dict({ status: 'Already logged in' });
  state.authenticated = true;
  return dict({ status: 'Logged in successfully' });
}

function logout({ state }: Trading): Value {
  if (!truthy(state.authenticated)) return dict({ status: 'No user is currently logged in' });
  state.authenticated = false;
  return dict({ status: 'Logged out successfully' });
}

export const tradingApi = defineApi<Trading>({
  className: 'TradingBot',
  load,
  differences: (a, b) => differing(a.state, b.state),
  methods: {
    get_current_time: method([], () => dict({ current_time: '10:30 AM' })),
    update_market_status: method(['current_time_str'], updateMarketStatus),
    get_symbol_by_name: method(['name'], symbolByName),
    get_stock_info: method(['symbol'], stockInfo),
    get_order_details: method(['order_id'], orderDetails),
    cancel_order: method(['order_id'], cancelOrder),
    place_order: method(
      ['order_type', 'symbol', 'price', 'amount'],
      authenticated('place an order', placeOrder),
    ),
    make_transaction: method(
      ['account_id', 'xact_type', 'amount'],
      authenticated('make a transaction', makeTransaction),
    ),
    get_account_info: method(
      [],
      authenticated('view account information', ({ state }) => state.account_info),
    ),
    trading_login: method(['username', 'password'], login),
    trading_get_login_status: method([], ({ state }: Trading) =>
      dict({ status: truthy(state.authenticated) }),
    ),
    trading_logout: method([], logout),
    fund_account: method(['amount'], authenticated('fund the account', fundAccount)),
    remove_stock_from_watchlist: method(
      ['symbol'],
      authenticated('modify the watchlist', removeFromWatchList),
    ),
    get_watchlist: method([], getWatchList),
    get_order_history: method([], orderHistory),
    get_transaction_history: method(
      [
        ['start_date', null],
        ['end_date', null],
      ],
      transactionHistory,
    ),
    update_stock_price: method(['symbol', 'new_price'], updateStockPrice),
    get_available_stocks: method(['sector'], availableStocks),
    filter_stocks_by_price: method(['stocks', 'min_price', 'max_price'], filterByPrice),
    add_to_watchlist: method(['stock'], addToWatchList),
    notify_price_change: method(['stocks', 'threshold'], notifyPriceChange),
  },
});
