/** TradingBot's stocks and watch list. */
import { between, compare, contains, indexOf, item, iterate, setItem } from '../python/compare.ts';
import { noAttribute, typeError } from '../python/errors.ts';
import { absolute, divide, multiply, subtract } from '../python/numbers.ts';
import { str } from '../python/print.ts';
import { Dict, dict, truthy, typeName, type Value } from '../python/value.ts';
import { failed, lookUp, type Trading } from './trading-state.ts';

const SYMBOLS: ReadonlyMap<Value, string> = new Map([
  ['Apple', 'AAPL'],
  ['Google', 'GOOG'],
  ['Tesla', 'TSLA'],
  ['Microsoft', 'MSFT'],
  ['Nvidia', 'NVDA'],
  ['Zeta Corp', 'ZETA'],
  ['Alpha Tech', 'ALPH'],
  ['Omega Industries', 'OMEG'],
  ['Quasar Ltd.', 'QUAS'],
  ['Neptune Systems', 'NEPT'],
  ['Synex Solutions', 'SYNX'],
  ['Amazon', 'AMZN'],
]);

export function symbolByName(_trading: Trading, name: Value): Value {
  return dict({ symbol: SYMBOLS.get(name) ?? 'Stock not found' });
}

export function stockInfo({ state, long }: Trading, symbol: Value): Value {
  const stock = lookUp(state.stocks, symbol);
  if (stock === undefined) return failed(`Stock with symbol '${str(symbol)}' not found.`);
  if (long === undefined || !(stock instanceof Dict)) return stock;
  const shown = new Dict(stock.entries());
  shown.set('MA(5)', long.list('MA_5_EXTENSION'));
  shown.set('MA(20)', long.list('MA_20_EXTENSION'));
  return shown;
}

export function updateStockPrice({ state }: Trading, symbol: Value, price: Value): Value {
  const stock = lookUp(state.stocks, symbol);
  if (stock === undefined) return failed(`Stock with symbol '${str(symbol)}' not found.`);
  if (compare(price, '<=', 0n)) return failed('New price must be a positive value.');
  const old = item(stock, 'price');
  setItem(stock, 'price', price);
  setItem(stock, 'percent_change', multiply(divide(subtract(price, old), old), 100n));
  return dict({ symbol, old_price: old, new_price: price });
}

export function availableStocks({ long }: Trading, sector: Value): Value {
  if (sector === 'Technology')
    return stockList(['AAPL', 'GOOG', 'MSFT', 'NVDA'], long?.list('TECHNOLOGY_EXTENSION'));
  if (sector === 'Automobile') return stockList(['TSLA', 'F', 'GM'], long?.list('AUTOMOBILE_EXTENSION'));
  return stockList([], undefined);
}

function stockList(symbols: readonly Value[], more: readonly Value[] = []): Value {
  return dict({ stock_list: [...symbols, ...more] });
}

export function filterByPrice({ state }: Trading, symbols: Value, least: Value, most: Value): Value {
  const filtered = iterate(symbols).filter((symbol) => {
    const stock = lookUp(state.stocks, symbol);
    // One that is not known counts as free.
    const price = stock === undefined ? 0n : item(stock, 'price');
    return between(least, price, most);
  });
  return dict({ filtered_stocks: filtered });
}

export function notifyPriceChange({ state }: Trading, symbols: Value, threshold: Value): Value {
  const changed = iterate(symbols).filter((symbol) => {
    const stock = lookUp(state.stocks, symbol);
    if (stock === undefined) return false;
    return compare(absolute(item(stock, 'percent_change')), '>=', threshold);
  });
  const notification =
    changed.length > 0
      ? `Stocks ${changed.map(text).join(', ')} have significant price changes.`
      : 'No significant price changes in the selected stocks.';
  return dict({ notification });
}

/** Checks an item of join, which takes text alone. */
function text(value: Value, index: number): string {
  if (typeof value === 'string') return value;
  throw typeError(`sequence item ${index}: expected str instance, ${typeName(value)} found`);
}

function watchList({ state }: Trading): Value[] {
  if (Array.isArray(state.watch_list)) return state.watch_list;
  throw noAttribute(state.watch_list, 'append');
}

export function getWatchList(trading: Trading): Value {
  const { state, long } = trading;
  if (!truthy(state.authenticated))
    return ['Error: User not authenticated. Please log in to view the watchlist.'];
  if (long === undefined) return dict({ watchlist: state.watch_list });
  return [...watchList(trading), ...long.list('WATCH_LIST_EXTENSION')];
}

/** Always answers with the whole list, added to or not. */
export function addToWatchList(trading: Trading, stock: Value): Value {
  const list = watchList(trading);
  if (!contains(list, stock) && lookUp(trading.state.stocks, stock) !== undefined) list.push(stock);
  return dict({ symbol: list });
}

export function removeFromWatchList(trading: Trading, symbol: Value): Value {
  const list = watchList(trading);
  const at = indexOf(list, symbol);
  if (at < 0) return failed(`Stock ${str(symbol)} not found in watchlist.`);
  list.splice(at, 1);
  return dict({ status: `Stock ${str(symbol)} removed from watchlist successfully.` });
}
