/** Functions for evaluation alone: training sees none of them, under no name. */
import { defineDomain } from '../spec.ts';

export const heldOut = defineDomain('held-out', [
  {
    names: 'start_sprinkler',
    description: 'Water a part of the garden',
    family: 'sprinkler',
    params: ['zone: garden', 'minutes?: 3..60'],
    train: '',
    test: `
      (start|turn on) the sprinkler< in the {zone}>[ for {minutes} minutes]
      water the {zone} with the sprinkler[ for {minutes} minutes]
      = I want the sprinkler to water the {zone}[ for {minutes} minutes]`,
    manyTest: `(start|turn on) the sprinkler *in the {zone} for {minutes} minutes*`,
  },
  {
    names: 'brew_coffee',
    description: 'Make coffee with the machine',
    family: 'brew',
    params: ['drink: espresso/latte/cappuccino', 'cups?: 2..8'],
    train: '',
    test: `
      (brew|make) me[ {cups} cups of] {drink}
      = I (want|would like)[ {cups} cups of] {drink}
      start the coffee machine for[ {cups} cups of] {drink}`,
    manyTest: `make me *{cups} cups of {drink}*`,
  },
  {
    names: 'translate_text',
    description: 'Translate words into a language',
    family: 'translate',
    params: ['text: message', 'language: spanish/italian/polish'],
    train: '',
    test: `
      translate {text} (to|into) {language}
      how do you say {text} in {language}
      = I want to say {text} in {language}`,
    manyTest: `translate *{text} into {language}*`,
  },
  {
    names: 'find_parking',
    description: 'Find a parking spot near a place',
    family: 'parking',
    params: ['place: place', 'hours?: 1..12'],
    train: '',
    test: `
      (find|get) me parking near {place}[ for {hours} hours]
      where can I park near {place}[ for {hours} hours]
      look for a parking spot near {place}[ for {hours} hours]`,
    manyTest: `find parking near *{place}*`,
  },
  {
    names: 'feed_pet',
    description: 'Give food to a pet',
    family: 'pet',
    params: ['pet: first', 'grams?: 20..300 by 5'],
    train: '',
    test: `
      feed {pet}[ {grams} grams]
      give {pet}[ {grams} grams of] pet food
      = {pet} is hungry, feed my pet[ {grams} grams]`,
    manyTest: `feed *{pet}*
      give *{pet} {grams} grams* of pet food`,
  },
  {
    names: 'book_table',
    description: 'Book a table at a restaurant',
    family: 'table',
    params: ['restaurant: place', 'people: 2..12', 'time?: time'],
    train: '',
    test: `
      (book|reserve) a table at {restaurant} for {people} people[ at {time}]
      = I need a table for {people} people at {restaurant}[ at {time}]
      get me a table for {people} at {restaurant}[ at {time}]`,
    manyTest: `book tables *at {restaurant} for {people} people*`,
  },
  {
    names: 'charge_car',
    description: 'Charge the electric car',
    family: 'charge',
    params: ['percent: 50..100', 'time?: time'],
    train: '',
    test: `
      charge (my|the) car to {percent} percent[ by {time}]
      = I need my car charged to {percent} percent[ by {time}]
      start to charge the car[ at {time}] up to {percent} percent`,
  },
  {
    names: 'order_pizza',
    description: 'Order a pizza',
    family: 'pizza',
    params: ['topping: grocery', 'size?: small/medium/large'],
    train: '',
    test: `
      (order|get) a[ {size}] pizza with {topping}
      = I (want|need) a[ {size}] pizza with {topping}
      order me a[ {size}] {topping} pizza`,
    manyTest: `order pizzas *with {topping}*
      order *a {size} pizza with {topping}*`,
  },
  {
    names: 'print_document',
    description: 'Print a document',
    family: 'print',
    params: ['document: topic', 'copies?: 2..30'],
    train: '',
    test: `
      print[ {copies} copies of] the document {document}
      = I need[ {copies} copies of] the document {document} on paper
      print the {document} document[, {copies} copies]`,
    manyTest: `print the documents *{document}*`,
  },
  {
    names: 'wash_laundry',
    description: 'Start the washing machine',
    family: 'washing',
    params: ['program: cotton/wool/silk', 'degrees?: 20..90 by 5'],
    train: '',
    test: `
      (start|run) the washing machine on {program}[ at {degrees} degrees]
      wash my {program} laundry[ at {degrees} degrees]
      = I have {program} to wash[ at {degrees} degrees]`,
  },
  {
    names: 'mow_lawn',
    description: 'Send out the lawn robot',
    family: 'lawn',
    params: ['area: front/back/side', 'height_cm?: 2..9'],
    train: '',
    test: `
      mow the {area} lawn[ to {height_cm} cm]
      cut the grass on the {area} lawn[ to {height_cm} cm]
      start the lawn robot on the {area} lawn[ at {height_cm} cm]`,
  },
  {
    names: 'water_plant',
    description: 'Water one indoor plant',
    family: 'plant',
    params: ['plant: plant', 'milliliters: 50..900 by 10'],
    train: '',
    test: `
      give the {plant} plant {milliliters} milliliters
      water the {plant} plant with {milliliters} milliliters
      = my {plant} plant needs {milliliters} milliliters`,
    manyTest: `give *the {plant} plant {milliliters} milliliters*`,
  },
  {
    names: 'borrow_bike',
    description: 'Unlock a shared bike at a station',
    family: 'bike',
    params: ['station: place', 'minutes?: 10..120 by 5'],
    train: '',
    test: `
      (borrow|get me) a bike at {station}[ for {minutes} minutes]
      = I need a shared bike at {station}[ for {minutes} minutes]
      unlock a bike for me at {station}[ for {minutes} minutes]`,
    manyTest: `borrow bikes at *{station}*`,
  },
  {
    names: 'scan_paper',
    description: 'Scan papers into a file',
    family: 'scan',
    params: ['file: topic', 'pages?: 2..40'],
    train: '',
    test: `
      scan[ {pages} pages] into the file {file}
      scan my papers[, {pages} pages,] as {file}
      make a scan called {file}[ of {pages} pages]`,
    manyTest: `scan my papers into the files *{file}*`,
  },
]);
