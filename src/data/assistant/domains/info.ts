import { defineDomain } from '../spec.ts';

export const info = defineDomain('info', [
  {
    names: 'define_word|lookup_word|dictionary',
    description: 'Meaning of a word',
    params: ['word|term|entry: word'],
    train: `
      what does <the word {word}~that word> mean
      (define|look up|explain) the word< {word}>
      what's the meaning of< {word}~ the word>
      (give|tell) me the (meaning|definition) of< {word}~ the word>
      explain what <{word}~this word> means`,
    test: `
      tell me what <the word {word}~that word> means
      look up the meaning of< {word}~ the word>
      explain to me the word< {word}>`,
    many: `(define|look up|explain) the words *{word}*`,
    manyTest: `tell me the meaning of *{word}*`,
  },
  {
    names: 'get_news|read_news|news_headlines',
    description: 'News about a topic',
    params: ['topic|theme|subject: topic', 'count|limit?: 2..12'],
    train: `
      what's (new|the news)< about {topic}>
      (read|show|give|tell) me the news< about {topic}>
      (show|get|read)[ {count}] news stories< about {topic}>
      (read|get)[ {count}] headlines< about {topic}>`,
    test: `
      show me[ {count}] headlines< about {topic}>
      = I want to read[ {count}] news stories< about {topic}>
      tell me what's new< about {topic}>`,
    many: `(read|show) me the news about *{topic}*`,
    manyTest: `get headlines *about {topic}*`,
  },
  {
    names: 'play_audiobook|read_book|resume_audiobook',
    description: 'Play an audiobook',
    params: ['title|book|name: title', 'chapter|part?: 1..48'],
    train: `
      (play|start|put on)[ chapter {chapter} of] the audiobook< {title}>
      (read|play) me[ chapter {chapter} of] the book< {title}>
      = I want to (hear|listen to)[ chapter {chapter} of] the book< {title}>
      (go on|continue) with[ chapter {chapter} of] the (book|audiobook)< {title}>`,
    test: `
      let me hear[ chapter {chapter} of] the audiobook< {title}>
      read[ chapter {chapter} of] the book< {title}> to me
      continue the book< {title}>[ with chapter {chapter}]`,
    many: `play the audiobooks *{title}*`,
    manyTest: `put on the audiobooks *{title}*`,
  },
  {
    names: 'get_stock|stock_price|share_price',
    description: 'Stock price of a company',
    params: ['company|name|firm: shop'],
    train: `
      what's the stock price< of {company}>
      (check|get|show) the stock< of {company}>
      how is the< {company}> stock
      (check|tell me|show) the share price< of {company}>`,
    test: `
      show me the stock price< of {company}>
      how is the share price< of {company}>
      get the stock price< for {company}>`,
    many: `(check|get|show) the stocks of *{company}*`,
    manyTest: `tell me the share price of *{company}*`,
  },
]);

export const money = defineDomain('money', [
  {
    names: 'pay_person|send_money|transfer_money',
    description: 'Send money to someone',
    params: ['person|receiver|recipient: person', 'amount|dollars|sum: 2..400', 'note|reason?: thing'],
    train: `
      (send|pay) {person}< {amount} dollars~ some money>[ for the {note}]
      (send|pay|transfer)< {amount} dollars~ money> to {person}[ for the {note}]
      (pay|give) <{person}~someone> {amount} dollars[ for the {note}]
      = I owe <{person}~someone> {amount} dollars[ for the {note}], pay it`,
    test: `
      transfer to {person}< {amount} dollars~ some money>[ for the {note}]
      = I want to pay <{person}~someone> {amount} dollars[ for the {note}]
      give< {amount} dollars~ some money> to {person}[ for the {note}]`,
    many: `(send|pay) *{amount} dollars to {person}*
      (pay|send) {amount} dollars to *{person}*`,
    manyTest: `transfer *{amount} dollars to {person}*`,
  },
  {
    names: 'request_money|ask_for_money|collect_money',
    description: 'Ask someone for money',
    params: ['person|debtor|payer: person', 'amount|dollars|sum: 2..400', 'note|reason?: thing'],
    train: `
      request< {amount} dollars~ money> from {person}[ for the {note}]
      ask <{person}~someone> for {amount} dollars[ for the {note}]
      (get|collect)< {amount} dollars~ money> from {person}[ for the {note}]
      = <{person}~someone> owes me {amount} dollars[ for the {note}], request it
      ask <{person}~someone> to pay me {amount} dollars[ for the {note}]
      = I (want|need) to get {amount} dollars< from {person}>[ for the {note}]`,
    test: `
      collect< {amount} dollars~ some money> from {person}[ for the {note}]
      = I want to request {amount} dollars< from {person}>[ for the {note}]
      = <{person}~someone> owes me {amount} dollars[ for the {note}], ask for it`,
    many: `(request|collect) *{amount} dollars from {person}*`,
    manyTest: `ask *{person} for {amount} dollars*`,
  },
  {
    names: 'log_expense|add_expense|record_spending',
    description: 'Record money that was spent',
    params: ['amount|dollars|cost: 2..400', 'category|kind|purpose: purpose'],
    train: `
      (log|record|add) {amount} dollars spent< on {category}>
      = I spent< {amount} dollars~ money> on {category}
      (log|record|add) an expense< of {amount} dollars> for {category}
      (save|log) that I spent {amount} dollars< on {category}>`,
    test: `
      record that I spent< {amount} dollars~ money> on {category}
      = I spent {amount} dollars< on {category}>, log it
      save an expense for {category}< of {amount} dollars>`,
    many: `(log|record) expenses *of {amount} dollars for {category}*`,
    manyTest: `record *{amount} dollars spent on {category}*`,
  },
  {
    names: 'set_budget|change_budget|budget_limit',
    description: 'Set a monthly budget',
    params: ['category|kind|purpose: purpose', 'amount|limit|dollars: 20..900 by 10'],
    train: `
      set (a|my|the) budget for {category}< to {amount} dollars>
      (set|change) the {category} budget< to {amount}>
      limit my< {category}> spending to {amount} dollars
      make the {category} budget< {amount} dollars~ bigger>
      = I want a budget of {amount} dollars< for {category}>`,
    test: `
      change my budget for {category}< to {amount} dollars>
      = I want to change the< {category}> budget to {amount} dollars
      limit the {category} budget< to {amount}>`,
    many: `(set|change) the budget *for {category} to {amount} dollars*`,
    manyTest: `change *the {category} budget to {amount}*`,
  },
]);
