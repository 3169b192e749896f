/** VehicleControlAPI. */
import { describe, expect, it } from 'vitest';
import { errorText, instanceOf, raised } from './made.ts';

const LOCKED =
  '{"doorStatus": {"driver": "locked", "passenger": "locked", "rear_left": "locked", "rear_right": "locked"}, "fuelLevel": 5}';

describe('the engine', () => {
  const car = (config = LOCKED) => instanceOf('VehicleControlAPI', config);

  it('starts with doors locked and the brake pressed fully, even on an empty tank', () => {
    const half = ['{"brakePedalStatus": "pressed", "brakePedalForce": 500.0}'];
    const results = car('{"fuelLevel": 0.0}')(
      "startEngine('START')",
      "lockDoors(unlock=False, door=['driver','passenger','rear_left','rear_right'])",
      "startEngine('START')",
      'pressBrakePedal(0.5)',
      "startEngine('START')",
      'pressBrakePedal(1)',
      "startEngine('START')",
    );
    expect(results).toEqual([
      errorText(
        'All doors must be locked before starting the engine. Here are the unlocked doors: driver, passenger, rear_left, rear_right',
      ),
      '{"lockStatus": "locked", "remainingUnlockedDoors": 0}',
      errorText('Brake pedal needs to be pressed when starting the engine.'),
      ...half,
      errorText('Must press the brake fully before starting the engine.'),
      '{"brakePedalStatus": "pressed", "brakePedalForce": 1000.0}',
      '{"engineState": "running", "fuelLevel": 0.0, "batteryVoltage": 12.6}',
    ]);
  });

  it('is stopped by STOP, which ends in an error all the same', () => {
    const results = car()(
      'pressBrakePedal(1.0)',
      "startEngine('START')",
      "startEngine('STOP')",
      "displayCarStatus('engine')",
    );
    expect(results.slice(2)).toEqual([errorText('Invalid ignition mode.'), '{"engineState": "stopped"}']);
  });

  it('shows the force of the pedal as it was computed', () => {
    expect(car()('pressBrakePedal(1)', "displayCarStatus('brakePedal')")[1]).toBe(
      '{"brakePedalStatus": "pressed", "brakePedalForce": 1000}',
    );
  });

  it('lets the cruise control on only while it runs, and keeps the distance of a refused speed', () => {
    const cruise = "setCruiseControl(speed=65, activate=True, distanceToNextVehicle='12.5')";
    const running = car(`${LOCKED.slice(0, -1)}, "engineState": "running"}`);
    expect(car()(cruise)).toEqual([errorText('Start the engine before activating the cruise control.')]);
    expect(running(cruise, cruise.replace('65', '66'), cruise.replace('65', '-5'))).toEqual([
      '{"cruiseStatus": "active", "currentSpeed": 65.0, "distanceToNextVehicle": 12.5}',
      errorText('Invalid speed'),
      errorText('Invalid speed'),
    ]);
    expect(running(cruise.replace('65', "'fast'"))).toEqual([
      raised("could not convert string to float: 'fast'"),
    ]);
  });

  it('holds fifty gallons, ints as ints', () => {
    expect(car()('fillFuelTank(10)', 'fillFuelTank(1.5)', 'fillFuelTank(40)', 'fillFuelTank(-1)')).toEqual([
      '{"fuelLevel": 15}',
      '{"fuelLevel": 16.5}',
      errorText('Cannot fill gas above the tank capacity.'),
      errorText('Fuel amount cannot be negative.'),
    ]);
    expect(car()("fillFuelTank('1')")).toEqual([
      raised("'<' not supported between instances of 'str' and 'int'"),
    ]);
    expect(car()('estimate_drive_feasibility_by_mileage(100)')).toEqual(['{"canDrive": true}']);
  });
});

describe('the doors', () => {
  it('change up to the first name that is none', () => {
    const results = instanceOf('VehicleControlAPI', LOCKED)(
      "lockDoors(True, ['driver', 'roof', 'passenger'])",
      "displayCarStatus('doors')",
      "lockDoors(True, 'driver')",
      'lockDoors(False, None)',
    );
    expect(results).toEqual([
      raised("'roof'"),
      '{"doorStatus": {"driver": "unlocked", "passenger": "locked", "rear_left": "locked", "rear_right": "locked"}}',
      raised("'d'"),
      raised("'NoneType' object is not iterable"),
    ]);
  });
});

describe('the instruments', () => {
  const car = instanceOf('VehicleControlAPI');

  it('answer with the temperature as given, and keep it in degrees Celsius', () => {
    expect(
      car(
        "adjustClimateControl(temperature=70, unit='fahrenheit', fanSpeed=30)",
        "displayCarStatus('climate')",
      ),
    ).toEqual([
      '{"currentACTemperature": 70, "climateMode": "auto", "humidityLevel": 50.0}',
      // (70 - 32) * 5 / 9
      '{"currentACTemperature": 21.11111111111111, "fanSpeed": 30, "climateMode": "auto", "humidityLevel": 50.0}',
    ]);
    expect(car('adjustClimateControl(20, fanSpeed=101)')).toEqual([
      errorText('Fan speed must be between 0 and 100.'),
    ]);
  });

  it('draw from one generator', () => {
    const fresh = instanceOf('VehicleControlAPI');
    expect(fresh('get_outside_temperature_from_google()', 'get_current_speed()')).toEqual([
      '{"outsideTemperature": 36.63485703790535}',
      '{"currentSpeed": 99.11925428879405}',
    ]);
    expect(car('get_outside_temperature_from_weather_com()')).toEqual(['{"error": 404}']);
  });

  it('know distances in both directions, by zip codes that are texts', () => {
    expect(
      car(
        "estimate_distance('83214','74532')",
        "estimate_distance('74532','83214')",
        'estimate_distance(83214,74532)',
        "get_zipcode_based_on_city('Sunset Valley')",
        "get_zipcode_based_on_city('sunset valley')",
      ),
    ).toEqual([
      '{"distance": 750.0}',
      '{"distance": 750.0}',
      errorText('distance not found in database.'),
      '{"zipcode": "83462"}',
      '{"zipcode": "00000"}',
    ]);
  });

  it('engage the brake, take headlights and units', () => {
    expect(
      car(
        "activateParkingBrake('engage')",
        "activateParkingBrake('on')",
        "setHeadlights('auto')",
        'liter_to_gallon(10)',
        "gallon_to_liter('1')",
        'check_tire_pressure()',
        "set_navigation('Rome')",
        'set_navigation(1)',
      ),
    ).toEqual([
      '{"parkingBrakeStatus": "engaged", "_parkingBrakeForce": 500.0, "_slopeAngle": 10.0}',
      errorText('Invalid mode'),
      '{"headlightStatus": "off"}',
      '{"gallon": 2.6417200000000003}',
      raised("can't multiply sequence by non-int of type 'float'"),
      '{"frontLeftTirePressure": 32.0, "frontRightTirePressure": 32.0, "rearLeftTirePressure": 30.0, ' +
        '"rearRightTirePressure": 30.0, "healthy_tire_pressure": true, "car_info": {}}',
      '{"status": "Navigating to Rome"}',
      raised('can only concatenate str (not "int") to str'),
    ]);
  });

  it('talk more in the long context', () => {
    const long = instanceOf('VehicleControlAPI', '{}', 'long');
    expect(
      long(
        "displayCarStatus('fuel')",
        "displayCarStatus('brakePadle')",
        "activateParkingBrake('release')",
        "estimate_distance('1','2')",
        'get_outside_temperature_from_google()',
      ),
    ).toEqual([
      '{"metadata": "Colour: red.", "fuelLevel": 0.0}',
      '{"metadata": "Colour: red.", "error": "Invalid option"}',
      '{"parkingBrakeInstruction": "Pull.", "parkingBrakeStatus": "released", "_parkingBrakeForce": 0.0, "_slopeAngle": 10.0}',
      '{"error": "distance not found in database.", "intermediaryCities": ["Here", "There"]}',
      '{"-1_day": {"humidity": 75}, "outsideTemperature": 36.63485703790535}',
    ]);
  });
});
