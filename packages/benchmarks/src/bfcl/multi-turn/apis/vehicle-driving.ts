/** VehicleControlAPI's engine, fuel, doors, brakes and cruise control. */
import { between, compare, hashable, iterate } from '../python/compare.ts';
import { Raised } from '../python/errors.ts';
import { add, multiply, subtract, toFloat } from '../python/numbers.ts';
import { repr, str } from '../python/print.ts';
import { dict, equal, truthy, type Value } from '../python/value.ts';
import { doorsOf, type Vehicle } from './vehicle-state.ts';

const TANK_GALLONS = 50n;
const MILES_PER_GALLON = 20;
const FULL_PEDAL_FORCE = 1000n;

function failed(error: string): Value {
  return dict({ error });
}

export function startEngine(vehicle: Vehicle, mode: Value): Value {
  const { state } = vehicle;
  if (equal(mode, 'STOP')) state.engine_state = 'stopped';
  if (compare(state.remainingUnlockedDoors, '>', 0n)) {
    const unlocked = doorsOf(vehicle)
      .entries()
      .filter(([, status]) => equal(status, 'unlocked'));
    const names = unlocked.map(([name]) => str(name)).join(', ');
    return failed(
      `All doors must be locked before starting the engine. Here are the unlocked doors: ${names}`,
    );
  }
  if (!equal(state.brakePedalStatus, 'pressed'))
    return failed('Brake pedal needs to be pressed when starting the engine.');
  if (!equal(vehicle.brakePedalForce, FULL_PEDAL_FORCE))
    return failed('Must press the brake fully before starting the engine.');
  if (compare(state.fuelLevel, '<', 0)) return failed('Fuel tank is empty.');
  // So stopping the engine ends here too, after it was stopped.
  if (!equal(mode, 'START')) return failed('Invalid ignition mode.');
  state.engine_state = 'running';
  const { fuelLevel, batteryVoltage } = state;
  return dict({ engineState: 'running', fuelLevel, batteryVoltage });
}

export function fillFuelTank({ state }: Vehicle, amount: Value): Value {
  if (compare(amount, '<', 0n)) return failed('Fuel amount cannot be negative.');
  const level = add(state.fuelLevel, amount);
  if (compare(level, '>', TANK_GALLONS)) return failed('Cannot fill gas above the tank capacity.');
  if (compare(level, '<', 0)) return failed('Fuel tank is empty. Min fuel level is 0 gallons.');
  state.fuelLevel = level;
  return dict({ fuelLevel: level });
}

export function canDrive({ state }: Vehicle, distance: Value): Value {
  return dict({ canDrive: !compare(multiply(state.fuelLevel, MILES_PER_GALLON), '<', distance) });
}

export function lockDoors(vehicle: Vehicle, unlock: Value, names: Value): Value {
  const { state } = vehicle;
  const doors = doorsOf(vehicle);
  const opening = truthy(unlock);
  const wanted = opening ? 'unlocked' : 'locked';
  for (const name of iterate(names)) {
    const key = hashable(name);
    const status = doors.get(key);
    if (status === undefined) throw new Raised('KeyError', repr(key));
    if (equal(status, wanted)) continue;
    doors.set(key, wanted);
    const left = state.remainingUnlockedDoors;
    state.remainingUnlockedDoors = opening ? add(left, 1n, '+=') : subtract(left, 1n, '-=');
  }
  return dict({ lockStatus: wanted, remainingUnlockedDoors: state.remainingUnlockedDoors });
}

export function activateParkingBrake(vehicle: Vehicle, mode: Value): Value {
  const engaging = equal(mode, 'engage');
  if (!engaging && !equal(mode, 'release')) return failed('Invalid mode');
  vehicle.state.parkingBrakeStatus = engaging ? 'engaged' : 'released';
  vehicle.parkingBrakeForce = engaging ? 500 : 0;
  vehicle.slopeAngle = 10;
  const { state, parkingBrakeForce, slopeAngle, long } = vehicle;
  return dict({
    ...(long && { parkingBrakeInstruction: long.text('PARKING_BRAKE_INSTRUCTION') }),
    parkingBrakeStatus: state.parkingBrakeStatus,
    _parkingBrakeForce: parkingBrakeForce,
    _slopeAngle: slopeAngle,
  });
}

export function pressBrakePedal(vehicle: Vehicle, position: Value): Value {
  if (!between(0n, position, 1n)) return failed('Pedal position must be between 0 and 1.');
  if (equal(position, 0n)) return releaseBrakePedal(vehicle);
  const force = multiply(position, FULL_PEDAL_FORCE);
  vehicle.state.brakePedalStatus = 'pressed';
  vehicle.brakePedalForce = force;
  return dict({ brakePedalStatus: 'pressed', brakePedalForce: toFloat(force) });
}

export function releaseBrakePedal(vehicle: Vehicle): Value {
  vehicle.state.brakePedalStatus = 'released';
  vehicle.brakePedalForce = 0;
  return dict({ brakePedalStatus: 'released', brakePedalForce: 0 });
}

export function setCruiseControl(
  { state }: Vehicle,
  wantedSpeed: Value,
  activate: Value,
  wantedDistance: Value,
): Value {
  const distance = toFloat(wantedDistance);
  const speed = toFloat(wantedSpeed);
  if (equal(state.engine_state, 'stopped'))
    return failed('Start the engine before activating the cruise control.');
  const activating = truthy(activate);
  // Kept even if the speed is refused.
  state.distanceToNextVehicle = distance;
  if (activating && (speed < 0 || speed > 120 || speed % 5 !== 0)) return failed('Invalid speed');
  state.cruiseStatus = activating ? 'active' : 'inactive';
  return dict({
    cruiseStatus: state.cruiseStatus,
    currentSpeed: speed,
    distanceToNextVehicle: distance,
  });
}
