import { defineDomain } from '../spec.ts';

export const navigation = defineDomain('navigation', [
  {
    names: 'navigate_to|start_navigation|get_directions',
    description: 'Show the way to a place',
    params: ['place|destination|target: place', 'mode|by?: car/bike/bus'],
    train: `
      (navigate|take me|bring me) to <{place}~a place>[ by {mode}]
      (show|give) me (the way|directions)< to {place}>[ by {mode}]
      how do I get to <{place}~a place>[ by {mode}]
      start navigation< to {place}>[ by {mode}]
      = I (want|need) to (go|get) to <{place}~a place>[ by {mode}]`,
    test: `
      navigate me to <{place}~a place>[ by {mode}]
      = I need directions< to {place}>[ by {mode}]
      show me how to get to <{place}~a place>[ by {mode}]`,
    many: `(show|give) me the way to *{place}*`,
    manyTest: `give me directions *to {place} by {mode}*`,
  },
  {
    names: 'find_nearby|search_nearby|nearby_places',
    description: 'Find places of a kind near here',
    params: ['kind|category|type: spot', 'radius|distance|km?: 1..25'],
    train: `
      find <a {kind}~something>[ within {radius} km] (nearby|near me)
      is there <a {kind}~something> (nearby|near here|near me)
      (search|look) for <a {kind}~something>[ within {radius} km] near me
      where is the (nearest|closest) <{kind}~one>`,
    test: `
      look for <a {kind}~something> nearby[ within {radius} km]
      find me the closest <{kind}~one>[ within {radius} km]
      = I need <a {kind}~something>[ within {radius} km] near here`,
    many: `find *a {kind}* (nearby|near me)`,
    manyTest: `search for *a {kind}* near here`,
  },
  {
    names: 'get_distance|measure_distance|how_far',
    description: 'Distance between two places',
    params: ['start|from_city|origin: city', 'end|to_city|target: city'],
    train: `
      how far is it from {start} to <{end}~another place>
      how far is {end}< from {start}>
      (get|measure|show) the distance from {start}< to {end}>
      what's the distance between {start}< and {end}>
      (tell me|show) how far {start} is< from {end}~ from there>`,
    test: `
      measure how far it is from {start} to <{end}~another place>
      show me the distance between {start}< and {end}>
      what's the distance< from {start}> to {end}`,
    many: `(show|get) the distance *from {start} to {end}*`,
    manyTest: `how far is it *from {start} to {end}*`,
  },
  {
    names: 'share_location|send_location|location_share',
    description: 'Share my location with someone',
    params: ['person|friend|contact: person', 'minutes|duration?: 5..90'],
    train: `
      (share|send) my location< with {person}~ with someone>[ for {minutes} minutes]
      (show|tell) <{person}~someone> where I am[ for {minutes} minutes]
      let <{person}~someone> see (my location|where I am)[ for {minutes} minutes]
      share where I am with <{person}~someone>[ for {minutes} minutes]
      = I want <{person}~someone> to know where I am[ for {minutes} minutes]`,
    test: `
      let <{person}~someone> know where I am[ for {minutes} minutes]
      show my location to <{person}~someone>[ for {minutes} minutes]
      send <{person}~someone> my location[ for {minutes} minutes]`,
    many: `(share|send) my location with *{person}*`,
    manyTest: `let *{person}* see where I am`,
  },
  {
    names: 'check_traffic|get_traffic|traffic_report',
    description: 'Traffic on a road or in a city',
    params: ['place|road|city: city'],
    train: `
      (check|show) the traffic< in {place}>
      how (is|bad is|heavy is) the traffic< in {place}>
      is there (a lot of|much|any) traffic< around {place}>
      tell me about the traffic< in {place}>`,
    test: `
      show me the traffic< around {place}>
      = I want to see how bad the traffic is< in {place}>
      check how heavy the traffic is< around {place}>`,
    many: `(check|show) the traffic in *{place}*`,
    manyTest: `tell me about the traffic around *{place}*`,
  },
]);
