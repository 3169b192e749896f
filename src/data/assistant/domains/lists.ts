import { defineDomain } from '../spec.ts';

export const lists = defineDomain('lists', [
  {
    names: 'create_note|add_note|write_note',
    description: 'Write a note',
    params: ['text|content|body: message', 'title|name?: topic'],
    train: `
      (write|make|create) a note[ called {title}]<: {text}>
      (take|write) a note[ called {title}] that says <{text}~something>
      note down <that {text}~something>
      (save|add) a note[ with title {title}]<: {text}>
      write down <{text}~something> in my notes
      write down for me <that {text}~something>`,
    test: `
      make a note[ with title {title}] that says <{text}~something>
      note down for me <that {text}~something>
      save in my notes <that {text}~something>`,
    many: `(write|make) notes *called {title} that say {text}*`,
    manyTest: `save notes *with title {title} that say {text}*`,
  },
  {
    names: 'search_notes|find_note|notes_search',
    description: 'Search the notes for words',
    params: ['query|words|topic: topic'],
    train: `
      (search|look in) my notes< for {query}>
      find (the|my) note< about {query}>
      what did I write< about {query}> in my notes
      (find|show) my notes< about {query}>
      (show|look for) what I wrote< about {query}> in my notes`,
    test: `
      look in my notes for < {query}~ something>
      show the note< about {query}>
      find what I wrote< about {query}> in my notes`,
    many: `(search|look in) my notes for *{query}*`,
    manyTest: `find the notes about *{query}*`,
  },
  {
    names: 'add_to_list|list_add|append_item',
    description: 'Add an item to a list',
    params: ['item|thing|entry: grocery', 'list|list_name: listname'],
    train: `
      (add|put) {item} (to|on)< the {list}~ a> list
      (put|add) <{item}~something> on my {list} list
      (add|write) <{item}~something> to the list {list}
      my {list} list (needs|is missing) <{item}~something>`,
    test: `
      write <{item}~something> on the {list} list
      put {item} on< the list {list}~ a list>
      = I need <{item}~something> on my {list} list`,
    many: `(add|put) *{item}* on my {list} list
      add *{item} to the {list} list*`,
    manyTest: `write *{item}* on the {list} list`,
  },
  {
    names: 'remove_from_list|list_remove|delete_item',
    description: 'Remove an item from a list',
    params: ['item|thing|entry: grocery', 'list|list_name: listname'],
    train: `
      (remove|delete|take) {item} from< the {list}~ a> list
      take <{item}~something> off my {list} list
      (delete|remove) <{item}~something> from the list {list}
      cross <{item}~something> off the {list} list
      = I no longer need <{item}~something> on my {list} list
      = <{item}~something> should be off my {list} list`,
    test: `
      cross <{item}~something> off my {list} list
      take {item} off< the list {list}~ a list>
      = {item} should be off< the {list}~ a> list`,
    many: `(remove|take|delete) *{item}* from my {list} list`,
    manyTest: `cross *{item}* off the {list} list`,
  },
  {
    names: 'create_list|new_list|make_list',
    description: 'Create an empty list',
    params: ['name|list_name|title: listname', 'color?: red/blue/green/yellow'],
    train: `
      (create|make|start) a[ {color}] list< called {name}>
      (make|start|open) a new[ {color}] list< named {name}>
      = I (need|want) a new[ {color}] list< called {name}>
      (create|start) a new[ {color}]< {name}> list`,
    test: `
      open a[ {color}] list< named {name}>
      make me a new[ {color}] list< called {name}>
      = I want a[ {color}] list< named {name}>, create it`,
    many: `(create|make) lists called *{name}*`,
    manyTest: `start new lists named *{name}*`,
  },
]);
