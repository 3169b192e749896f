/** VehicleControlAPI: one car. Driving and places have files of their own. */
import { between } from '../python/compare.ts';
import { add, divide, multiply, subtract } from '../python/numbers.ts';
import { dict, equal, type Dict, type Value } from '../python/value.ts';
import { defineApi, differing } from './api.ts';
import { method } from './method.ts';
import {
  activateParkingBrake,
  canDrive,
  fillFuelTank,
  lockDoors,
  pressBrakePedal,
  releaseBrakePedal,
  setCruiseControl,
  startEngine,
} from './vehicle-driving.ts';
import { estimateDistance, nearestTireShop, zipCodeOf } from './vehicle-places.ts';
import { load, type Vehicle } from './vehicle-state.ts';

const GALLONS_PER_LITER = 0.264172;
const LITERS_PER_GALLON = 3.78541;

function failed(error: string): Value {
  return dict({ error });
}

function adjustClimate(
  { state }: Vehicle,
  temperature: Value,
  unit: Value,
  fanSpeed: Value,
  mode: Value,
): Value {
  if (!between(0n, fanSpeed, 100n)) return failed('Fan speed must be between 0 and 100.');
  state.acTemperature = temperature;
  if (equal(unit, 'fahrenheit')) state.acTemperature = divide(multiply(subtract(temperature, 32n), 5n), 9n);
  state.fanSpeed = fanSpeed;
  state.acMode = mode;
  return dict({
    currentACTemperature: temperature,
    climateMode: mode,
    humidityLevel: state.humidityLevel,
  });
}

function outsideTemperature({ random, long }: Vehicle): Value {
  const outside = random.uniform(-10, 40);
  const weather = long?.dict('LONG_WEATHER_EXTENSION') ?? dict({});
  weather.set('outsideTemperature', outside);
  return weather;
}

function setHeadlights({ state }: Vehicle, mode: Value): Value {
  if (!['on', 'off', 'auto'].some((known) => equal(mode, known))) return failed('Invalid headlight mode.');
  state.headLightStatus = equal(mode, 'on') ? 'on' : 'off';
  return dict({ headlightStatus: state.headLightStatus });
}

/** Parts that each option of displayCarStatus shows. */
const STATUS: ReadonlyMap<Value, (vehicle: Vehicle) => Dict> = new Map([
  ['fuel', ({ state }) => dict({ fuelLevel: state.fuelLevel })],
  ['battery', ({ state }) => dict({ batteryVoltage: state.batteryVoltage })],
  ['doors', ({ state }) => dict({ doorStatus: state.doorStatus })],
  [
    'climate',
    ({ state: { acTemperature, fanSpeed, acMode, humidityLevel } }) =>
      dict({ currentACTemperature: acTemperature, fanSpeed, climateMode: acMode, humidityLevel }),
  ],
  ['headlights', ({ state }) => dict({ headlightStatus: state.headLightStatus })],
  [
    'parkingBrake',
    ({ state: { parkingBrakeStatus }, parkingBrakeForce, slopeAngle }) =>
      dict({ parkingBrakeStatus, parkingBrakeForce, slopeAngle }),
  ],
  [
    'brakePedal',
    ({ state: { brakePedalStatus }, brakePedalForce }) => dict({ brakePedalStatus, brakePedalForce }),
  ],
  ['engine', ({ state }) => dict({ engineState: state.engine_state })],
] satisfies [Value, (vehicle: Vehicle) => Dict][]);

function displayCarStatus(vehicle: Vehicle, option: Value): Value {
  const status = STATUS.get(option)?.(vehicle) ?? dict({ error: 'Invalid option' });
  if (vehicle.long === undefined) return status;
  const shown = dict({ metadata: vehicle.long.text('CAR_STATUS_METADATA_EXTENSION') });
  for (const [key, value] of status.entries()) shown.set(key, value);
  return shown;
}

function setNavigation({ state }: Vehicle, destination: Value): Value {
  state.destination = destination;
  return dict({ status: add('Navigating to ', destination) });
}

function checkTirePressure({ state, long }: Vehicle): Value {
  const { frontLeftTirePressure, frontRightTirePressure } = state;
  const { rearLeftTirePressure, rearRightTirePressure } = state;
  const tires = {
    frontLeftTirePressure,
    frontRightTirePressure,
    rearLeftTirePressure,
    rearRightTirePressure,
  };
  const [first = null, ...others] = Object.values(tires);
  const mean = divide(
    others.reduce((sum: Value, pressure) => add(sum, pressure), first),
    4n,
  );
  return dict({
    ...tires,
    healthy_tire_pressure: between(30n, mean, 35n),
    car_info: long?.text('CAR_STATUS_METADATA_EXTENSION') ?? dict({}),
  });
}

export const vehicleApi = defineApi<Vehicle>({
  className: 'VehicleControlAPI',
  load,
  differences: (a, b) => differing(a.state, b.state),
  methods: {
    startEngine: method(['ignitionMode'], startEngine),
    fillFuelTank: method(['fuelAmount'], fillFuelTank),
    lockDoors: method(['unlock', 'door'], lockDoors),
    adjustClimateControl: method(
      ['temperature', ['unit', 'celsius'], ['fanSpeed', 50n], ['mode', 'auto']],
      adjustClimate,
    ),
    get_outside_temperature_from_google: method([], outsideTemperature),
    get_outside_temperature_from_weather_com: method([], () => dict({ error: 404n })),
    setHeadlights: method(['mode'], setHeadlights),
    displayCarStatus: method(['option'], displayCarStatus),
    activateParkingBrake: method(['mode'], activateParkingBrake),
    pressBrakePedal: method(['pedalPosition'], pressBrakePedal),
    releaseBrakePedal: method([], releaseBrakePedal),
    setCruiseControl: method(['speed', 'activate', 'distanceToNextVehicle'], setCruiseControl),
    get_current_speed: method([], ({ random }: Vehicle) => dict({ currentSpeed: random.uniform(0, 120) })),
    display_log: method(['messages'], (_vehicle: Vehicle, messages) => dict({ log: messages })),
    estimate_drive_feasibility_by_mileage: method(['distance'], canDrive),
    liter_to_gallon: method(['liter'], (_vehicle: Vehicle, liter) =>
      dict({ gallon: multiply(liter, GALLONS_PER_LITER) }),
    ),
    gallon_to_liter: method(['gallon'], (_vehicle: Vehicle, gallon) =>
      dict({ liter: multiply(gallon, LITERS_PER_GALLON) }),
    ),
    estimate_distance: method(['cityA', 'cityB'], estimateDistance),
    get_zipcode_based_on_city: method(['city'], zipCodeOf),
    set_navigation: method(['destination'], setNavigation),
    check_tire_pressure: method([], checkTirePressure),
    find_nearest_tire_shop: method([], nearestTireShop),
  },
});
