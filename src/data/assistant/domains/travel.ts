import { defineDomain } from '../spec.ts';

export const travel = defineDomain('travel', [
  {
    names: 'book_hotel|reserve_hotel|hotel_booking',
    description: 'Book a hotel room in a city',
    params: ['city|place|location: city', 'nights|days|count: 1..14', 'day|start|arrival?: day'],
    train: `
      (book|reserve) a hotel in {city}< for {nights} nights>[ from {day}]
      (book|reserve|get) me a hotel room< in {city}> for {nights} nights[ from {day}]
      = I need a hotel< in {city}> for {nights} nights[ from {day}]
      = I want to stay at a hotel in {city}< for {nights} nights>[ from {day}]
      (find|get) me hotel rooms in {city}< for {nights} nights>[ from {day}]`,
    test: `
      reserve a room in a hotel in {city}[ from {day}]< for {nights} nights>
      = I want to book a hotel< in {city}>[ from {day}] for {nights} nights
      get me a hotel in {city}< for {nights} nights>[ from {day}]`,
    many: `(book|reserve) hotels *in {city} for {nights} nights*`,
    manyTest: `= I need hotel rooms *in {city} for {nights} nights*`,
  },
  {
    names: 'find_flight|search_flights|flight_search',
    description: 'Find flights between two cities',
    params: ['start|from_city|origin: city', 'end|to_city|destination: city', 'day|date?: day'],
    train: `
      (find|search|show) me a flight from {start}< to {end}>[ on {day}]
      = I (want|need) to fly< from {start}> to {end}[ on {day}]
      is there a flight from {start} to <{end}~another city>[ on {day}]
      (find|look for) flights< from {start}> to {end}[ on {day}]`,
    test: `
      show me flights to {end}< from {start}>[ on {day}]
      = I need a flight[ on {day}] from {start}< to {end}>
      look for a flight to {end}< from {start}>[ on {day}]`,
    many: `find flights *from {start} to {end}*`,
    manyTest: `show me flights *from {start} to {end}*`,
  },
  {
    names: 'find_train|search_trains|train_search',
    description: 'Find trains between two cities',
    params: ['start|from_city|origin: city', 'end|to_city|destination: city', 'time|departure?: time'],
    train: `
      (find|search|show) me a train from {start}< to {end}>[ at {time}]
      when is a train< from {start}> to {end}[ after {time}]
      is there a train from {start} to <{end}~another city>[ at {time}]
      (find|look for) trains< from {start}> to {end}[ at {time}]
      = I (want|need) to take a train< from {start}> to {end}[ at {time}]`,
    test: `
      show me trains to {end}< from {start}>[ after {time}]
      = I need a train[ at {time}] from {start}< to {end}>
      look for a train to {end}< from {start}>[ at {time}]`,
    many: `find trains *from {start} to {end}*`,
    manyTest: `show me trains *from {start} to {end}*`,
  },
  {
    names: 'book_taxi|order_taxi|call_cab',
    description: 'Order a taxi to a place',
    params: ['place|destination|target: place', 'time|at|pickup?: time'],
    train: `
      (book|order|get) me a (taxi|cab)< to {place}>[ at {time}]
      = I need a (taxi|cab)[ at {time}]< to {place}>
      (order|book) a (taxi|cab)[ for {time}]< to {place}>
      get a (taxi|cab)< that goes to {place}>[ at {time}]
      (find|call) me a cab< to {place}>[ at {time}]
      = I want a taxi that goes< to {place}~ somewhere>[ at {time}]`,
    test: `
      = I want to take a taxi< to {place}>[ at {time}]
      order a cab that goes< to {place}~ somewhere>[ at {time}]
      = I want a cab[ for {time}]< to {place}>`,
    many: `(book|order) taxis *to {place} at {time}*`,
    manyTest: `get me taxis *to {place} at {time}*`,
  },
  {
    names: 'rent_car|reserve_car|car_rental',
    description: 'Rent a car in a city',
    params: ['city|place|location: city', 'days|duration|count: 1..21', 'size|category?: small/medium/large'],
    train: `
      (rent|reserve) a[ {size}] car in {city}< for {days} days>
      (get|rent|book) me a[ {size}] car< in {city}> for {days} days
      = I need a[ {size}] rental car in {city}< for {days} days>
      = I want to rent a[ {size}] car< in {city}> for {days} days
      (find|rent) me a[ {size}] rental car in {city}< for {days} days>`,
    test: `
      reserve a[ {size}] rental car for {days} days< in {city}>
      = I need to rent a[ {size}] car in {city}< for {days} days>
      = for {days} days rent me a[ {size}] car< in {city}>`,
    many: `(rent|reserve) cars *in {city} for {days} days*`,
    manyTest: `= I need rental cars *in {city} for {days} days*`,
  },
]);
