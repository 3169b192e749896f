/** Places that VehicleControlAPI knows. */
import { dict, type Value } from '../python/value.ts';
import type { Vehicle } from './vehicle-state.ts';

const MILES: readonly (readonly [string, string, number])[] = [
  ['83214', '74532', 750],
  ['56108', '62947', 320],
  ['71354', '83462', 450],
  ['47329', '52013', 290],
  ['69238', '51479', 630],
  ['94016', '83214', 980],
  ['94016', '94704', 600],
  ['94704', '08540', 2550],
  ['94016', '08540', 1950],
  ['62947', '47329', 1053],
  ['94016', '62947', 780],
  ['74532', '94016', 880],
];

const ZIP_CODES: ReadonlyMap<Value, string> = new Map([
  ['Rivermist', '83214'],
  ['Stonebrook', '74532'],
  ['Maplecrest', '56108'],
  ['Silverpine', '62947'],
  ['Shadowridge', '71354'],
  ['Sunset Valley', '83462'],
  ['Oakendale', '47329'],
  ['Willowbend', '52013'],
  ['Crescent Hollow', '69238'],
  ['Autumnville', '51479'],
  ['San Francisco', '94016'],
]);

/** The miles between two zip codes, in either direction; ints never match. */
export function estimateDistance(vehicle: Vehicle, from: Value, to: Value): Value {
  const found = MILES.find(([a, b]) => (a === from && b === to) || (a === to && b === from));
  const answer =
    found === undefined ? dict({ error: 'distance not found in database.' }) : dict({ distance: found[2] });
  if (vehicle.long !== undefined) answer.set('intermediaryCities', vehicle.long.list('INTERMEDIARY_CITIES'));
  return answer;
}

export function zipCodeOf(_vehicle: Vehicle, city: Value): Value {
  return dict({ zipcode: ZIP_CODES.get(city) ?? '00000' });
}

export function nearestTireShop(): Value {
  return dict({ shopLocation: '456 Oakwood Avenue, Rivermist, 83214' });
}
