import { defineDomain } from '../spec.ts';

export const home = defineDomain('home', [
  {
    names: 'set_light|switch_light|light_power',
    description: 'Turn a light on or off',
    params: ['room|place|location: room', 'state|power: on/off'],
    train: `
      turn {state} the (light|lights)< in the {room}>
      (turn|switch) the< {room}> light {state}
      switch {state} the< {room}> (light|lights)
      (turn|switch) the lights< in the {room}> {state}
      = I want the< {room}> lights {state}`,
    test: `
      = lights {state}< in the {room}>
      = I want all the lights< in the {room}> {state}
      switch {state} all the lights< in the {room}>`,
    many: `
      (turn|switch) {state} the lights in the *{room}*
      turn the lights *in the {room} {state}*`,
    manyTest: `
      = lights {state} in the *{room}*
      switch the *{room}* light {state}`,
  },
  {
    names: 'dim_light|set_light_level|light_brightness',
    description: 'Set how bright a light is',
    params: ['room|place|location: room', 'percent|level: 1..100'],
    train: `
      dim the light< in the {room}> to {percent} percent
      dim the {room} lights< to {percent} percent>
      (set|dim) the lights< in the {room}> to {percent} percent
      make the {room} light< {percent} percent~ less> bright
      (put|turn) the {room} lights< down to {percent} percent~ down>
      = I want the light< in the {room}> dimmed to {percent} percent`,
    test: `
      make the light in the {room}< {percent} percent~ less> bright
      dim the lights< to {percent} percent> in the {room}
      set the< {room}> light to {percent} percent`,
    many: `
      dim the lights *in the {room} to {percent} percent*
      (dim|set) the lights in the *{room}* to {percent} percent`,
    manyTest: `set the lights to {percent} percent in the *{room}*`,
  },
  {
    names: 'set_light_color|color_light|change_light_color',
    description: 'Change the color of a light',
    params: ['room|place|location: room', 'color|shade: red/blue/green/purple'],
    train: `
      make the light< in the {room}> {color}
      (change|turn|set) the {room} light(s|)< to {color}~ to another color>
      (set|change) the light color in the {room}< to {color}>
      = I want {color} light< in the {room}>`,
    test: `
      = I want the {room} light< to be {color}~ in another color>
      change the color of the {room} light< to {color}>
      make the< {room}> lights {color}`,
    many: `
      make the light *in the {room} {color}*
      (turn|set) the lights in the *{room}* to {color}`,
    manyTest: `change the color of the light *in the {room} to {color}*`,
  },
  {
    names: 'set_thermostat|set_heating|heat_to',
    description: 'Set the room temperature|Heat the home to some degrees',
    params: ['degrees|temperature|target: 14..28', 'room|place?: room'],
    train: `
      set the (thermostat|heating)< to {degrees} degrees>[ in the {room}]
      (heat|warm) the (house|home)< to {degrees} degrees>
      make it< {degrees} degrees~ warmer>[ in the {room}]
      (set|change) the temperature[ in the {room}]< to {degrees} degrees>
      turn the heating< to {degrees}~ up>[ in the {room}]`,
    test: `
      change the thermostat[ in the {room}]< to {degrees}>
      turn the thermostat< to {degrees} degrees>[ in the {room}]
      = I want it< {degrees} degrees~ warmer>[ in the {room}]`,
    many: `set the heating *to {degrees} degrees in the {room}*`,
    manyTest: `change the temperature *in the {room} to {degrees}*`,
  },
  {
    names: 'lock_door|set_lock|door_lock',
    description: 'Lock or unlock a door',
    params: ['door|door_name|entrance: door', 'action|command: lock/unlock'],
    train: `
      {action} the< {door}> door
      {action} the door< of the {door}>
      (go and|now) {action} the< {door}> door
      make sure you {action} the< {door}> door
      {action} the door< to the {door}>
      (check and|quickly) {action} the< {door}> door`,
    test: `
      = the< {door}> door, please {action} it
      = {action} the door< to the {door}~ here> now
      quickly {action} the door< of the {door}~ here>`,
    many: `{action} the doors of the *{door}*`,
    manyTest: `now {action} the doors of the *{door}*`,
  },
  {
    names: 'start_vacuum|vacuum_room|clean_floor',
    description: 'Send the robot vacuum to a room',
    params: ['room|place|area: room', 'mode?: quiet/normal/strong'],
    train: `
      (vacuum|clean) the< {room}> floor[ in {mode} mode]
      (start|run) the vacuum< in the {room}>[ in {mode} mode]
      send the (vacuum|robot)< to the {room}~ off>[ in {mode} mode]
      let the robot (vacuum|clean)< the {room}>[ in {mode} mode]`,
    test: `
      let the vacuum clean< the {room}>[ in {mode} mode]
      = I want the robot to vacuum< the {room}>[ in {mode} mode]
      start the robot< in the {room}>[ in {mode} mode]`,
    many: `(vacuum|clean) the floor in the *{room}*`,
    manyTest: `send the robot to the *{room}*`,
  },
  {
    names: 'set_blinds|move_blinds|blinds_position',
    description: 'Raise or lower the blinds',
    params: ['room|place|location: room', 'action|direction: raise/lower'],
    train: `
      {action} the blinds< in the {room}>
      {action} the< {room}> (blinds|shades)
      (go and|now) {action} the shades< in the {room}>
      = I want you to {action} the blinds< in the {room}>
      (now|quickly) {action} the blinds< of the {room}>`,
    test: `
      go and {action} the< {room}> blinds
      quickly {action} the shades< of the {room}>
      = the shades< of the {room}>, {action} them`,
    many: `{action} the (blinds|shades) in the *{room}*`,
    manyTest: `go and {action} the blinds in the *{room}*`,
  },
  {
    names: 'set_fan|fan_speed|run_fan',
    description: 'Set the speed of a fan',
    params: ['speed|level: low/medium/high', 'room|place?: room'],
    train: `
      (set|turn) the fan< to {speed}~ to another speed>[ in the {room}]
      run the fan< on {speed}>[ in the {room}]
      (set|change) the fan speed[ in the {room}]< to {speed}>
      put the fan< on {speed}>[ in the {room}]
      = I want the fan< at {speed} speed~ faster>[ in the {room}]
      (let|make) the fan run< on {speed}>[ in the {room}]`,
    test: `
      change the speed of the fan[ in the {room}]< to {speed}>
      let the fan[ in the {room}] run< at {speed} speed~ at another speed>
      = I want the fan[ in the {room}] to run< on {speed}~ faster>`,
    many: `set the fan *in the {room} to {speed}*`,
    manyTest: `run the fan *on {speed} in the {room}*`,
  },
]);
