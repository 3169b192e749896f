/** VehicleControlAPI's state. */
import { noAttribute } from '../python/errors.ts';
import { MersenneTwister } from '../python/random.ts';
import { Dict, dict, equal, type Value } from '../python/value.ts';
import type { LongContext } from '../long-context.ts';
import { configured, type Setup } from './api.ts';

const SEED = 141053;

/** State that is compared, by its Python name. */
type PublicState = Record<
  | 'fuelLevel'
  | 'batteryVoltage'
  | 'engine_state'
  | 'remainingUnlockedDoors'
  | 'doorStatus'
  | 'acTemperature'
  | 'fanSpeed'
  | 'acMode'
  | 'humidityLevel'
  | 'headLightStatus'
  | 'parkingBrakeStatus'
  | 'brakePedalStatus'
  | 'distanceToNextVehicle'
  | 'cruiseStatus'
  | 'destination'
  | 'frontLeftTirePressure'
  | 'frontRightTirePressure'
  | 'rearLeftTirePressure'
  | 'rearRightTirePressure',
  Value
>;

export interface Vehicle {
  readonly state: PublicState;
  parkingBrakeForce: Value;
  slopeAngle: Value;
  brakePedalForce: Value;
  readonly random: MersenneTwister;
  readonly long: LongContext | undefined;
}

function defaultDoors(): Dict {
  return dict({
    driver: 'unlocked',
    passenger: 'unlocked',
    rear_left: 'unlocked',
    rear_right: 'unlocked',
  });
}

export function doorsOf(vehicle: Vehicle): Dict {
  return asDict(vehicle.state.doorStatus);
}

function asDict(doors: Value): Dict {
  if (doors instanceof Dict) return doors;
  throw noAttribute(doors, 'items');
}

export function load({ config, long }: Setup): Vehicle {
  const get = (key: string, byDefault: Value): Value => configured(config, key, byDefault);
  const doorStatus = get('doorStatus', defaultDoors());
  const locked = asDict(doorStatus)
    .values()
    .filter((status) => equal(status, 'locked'));
  return {
    state: {
      fuelLevel: get('fuelLevel', 0),
      batteryVoltage: get('batteryVoltage', 12.6),
      engine_state: get('engineState', 'stopped'),
      // Counted anew, whatever was configured.
      remainingUnlockedDoors: BigInt(4 - locked.length),
      doorStatus,
      acTemperature: get('acTemperature', 25),
      fanSpeed: get('fanSpeed', 50n),
      acMode: get('acMode', 'auto'),
      humidityLevel: get('humidityLevel', 50),
      headLightStatus: get('headLightStatus', 'off'),
      parkingBrakeStatus: get('parkingBrakeStatus', 'released'),
      brakePedalStatus: get('brakePedalStatus', 'released'),
      distanceToNextVehicle: get('distanceToNextVehicle', 50),
      cruiseStatus: get('cruiseStatus', 'inactive'),
      destination: get('destination', 'None'),
      frontLeftTirePressure: get('frontLeftTirePressure', 32),
      frontRightTirePressure: get('frontRightTirePressure', 32),
      rearLeftTirePressure: get('rearLeftTirePressure', 30),
      rearRightTirePressure: get('rearRightTirePressure', 30),
    },
    parkingBrakeForce: get('parkingBrakeForce', 0),
    slopeAngle: get('slopeAngle', 0),
    brakePedalForce: get('brakePedalForce', 0),
    random: new MersenneTwister(SEED),
    long,
  };
}
