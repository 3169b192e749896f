import { defineDomain } from '../spec.ts';

export const shopping = defineDomain('shopping', [
  {
    names: 'add_to_cart|cart_add|put_in_cart',
    description: 'Put an item in the shopping cart',
    params: ['item|product|article: thing', 'quantity|count|amount?: 2..24'],
    train: `
      (add|put)[ {quantity} times] <the {item}~something> (in|into) my cart
      (put|add) <the {item}~something> in the (shopping cart|cart)[, {quantity} of them]
      = I want <the {item}~something> in my cart[, {quantity} times]
      my cart needs <the {item}~something>[, {quantity} of them]`,
    test: `
      put in my cart <the {item}~something>[, {quantity} of them]
      = I need <the {item}~something> in my shopping cart[, {quantity} times]
      add into the cart <the {item}~something>[, {quantity} times]`,
    many: `(add|put) *the {item}* in my cart`,
    manyTest: `put in the shopping cart *the {item}*`,
  },
  {
    names: 'check_price|get_price|price_of',
    description: 'Price of a product',
    params: ['item|product|article: thing', 'store|shop?: shop'],
    train: `
      how much is <the {item}~it>[ at {store}]
      what does <the {item}~it> cost[ at {store}]
      (check|tell me|get) the price< of the {item}>[ at {store}]
      what's the price< of the {item}>[ at {store}]
      = I (want|need) to know what <the {item}~it> costs[ at {store}]`,
    test: `
      tell me how much <the {item}~it> is[ at {store}]
      check what <the {item}~it> costs[ at {store}]
      = I want to know the price< of the {item}>[ at {store}]`,
    many: `(check|get) the price of *the {item}*`,
    manyTest: `tell me the price *of the {item} at {store}*`,
  },
  {
    names: 'track_order|order_status|where_is_order',
    description: 'Status of an order from a store',
    params: ['store|shop|seller: shop', 'number|order_number?: 100..999'],
    train: `
      where is my order[ number {number}]< from {store}>
      (track|check) my order[ number {number}]< from {store}>
      did my order[ number {number}]< from {store}> leave
      when does my order[ number {number}]< from {store}> arrive
      (tell me|show) where my order[ number {number}]< from {store}> is
      = I made an order[ with number {number}]< at {store}>, where is it`,
    test: `
      check where my order[ number {number}]< from {store}> is
      when does the order[ number {number}]< from {store}> arrive
      track the order[ {number}] I made< at {store}>`,
    many: `(track|check) my orders from *{store}*`,
    manyTest: `check where my orders from *{store}* are`,
  },
  {
    names: 'find_coupon|search_coupon|get_discount',
    description: 'Find a discount code for a store',
    params: ['store|shop|seller: shop'],
    train: `
      (find|get|search) me a coupon< for {store}>
      is there a (discount|coupon)< at {store}>
      (find|get) a discount( code|)< for {store}>
      do you have a (coupon|discount code)< for {store}>`,
    test: `
      search for a discount code< for {store}>
      is there a discount code< at {store}>
      = I need a coupon< for {store}>`,
    many: `(find|get) coupons for *{store}*`,
    manyTest: `find a discount code for *{store}*`,
  },
]);
