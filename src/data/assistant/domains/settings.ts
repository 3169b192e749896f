import { defineDomain } from '../spec.ts';

export const settings = defineDomain('settings', [
  {
    names: 'set_brightness|screen_brightness|brightness',
    description: 'Set the screen brightness',
    params: ['percent|level|value: 5..100'],
    train: `
      set the (screen brightness|brightness)< to {percent} percent>
      make the screen< {percent} percent~ less> bright
      (turn|change|put) the brightness< to {percent}>
      change the screen< to {percent} percent~ brightness>
      = I want the screen< at {percent} percent~ less bright>`,
    test: `
      put the screen brightness< at {percent}>
      = I want my screen< {percent} percent~ less> bright
      turn the screen brightness< to {percent} percent>`,
  },
  {
    names: 'set_wifi|wifi_power|switch_wifi',
    description: 'Turn wifi on or off',
    family: 'radio',
    params: ['state|power|mode: on/off'],
    train: `
      (turn|switch) {state} the wifi
      (turn|switch) the wifi {state}
      turn {state} wifi on my phone
      set wifi to {state}
      (put|make) the wifi {state}
      = I want wifi {state}`,
    test: `
      set the wifi to {state}
      switch {state} wifi on my phone
      = I want the wifi {state}`,
  },
  {
    names: 'set_bluetooth|bluetooth_power|switch_bluetooth',
    description: 'Turn bluetooth on or off',
    family: 'radio',
    params: ['state|power|mode: on/off'],
    train: `
      (turn|switch) {state} bluetooth
      (turn|switch) bluetooth {state}
      turn {state} the bluetooth of my phone
      set bluetooth to {state}
      (put|make) the bluetooth {state}
      = I want bluetooth {state}`,
    test: `
      set the bluetooth to {state}
      switch {state} bluetooth on my phone
      = I want the bluetooth {state}`,
  },
  {
    names: 'pair_device|connect_device|bluetooth_connect',
    description: 'Connect a bluetooth device',
    family: 'radio',
    params: ['device|name|gadget: device'],
    train: `
      (connect|pair) (to|with) <my {device}~a device>
      (pair|connect) <the {device}~a device> (with|to) my phone
      = I want to connect <my {device}~a device>
      (connect|pair) <the {device}~a device>`,
    test: `
      pair my phone (with|to) <the {device}~a device>
      = I want to pair <the {device}~a device>
      connect my phone to <my {device}~a device>`,
    many: `(connect|pair) *the {device}*`,
    manyTest: `pair my phone with *the {device}*`,
  },
  {
    names: 'open_app|launch_app|start_app',
    description: 'Open an app',
    family: 'apps',
    params: ['app|name|app_name: app'],
    train: `
      (open|launch|start) the app< {app}>
      (open|start|launch) the< {app}> app
      (show|bring) me the< {app}> app
      = I want to (open|use) the app< {app}>
      open my app called <{app}~something>`,
    test: `
      bring up the app< {app}>
      = I want to start the app called <{app}~something>
      start my< {app}> app`,
    many: `(open|launch|start) the apps *{app}*`,
    manyTest: `bring me the apps *{app}*`,
  },
  {
    names: 'remove_app|uninstall_app|delete_app',
    description: 'Remove an app from the phone',
    family: 'apps',
    params: ['app|name|app_name: app', 'keep_data|data?: keep/erase'],
    train: `
      (uninstall|remove|delete) the app< {app}>[ and {keep_data} its data]
      (uninstall|remove|delete) the< {app}> app[ and {keep_data} the data]
      take the app< {app}> off my phone[ and {keep_data} its data]
      = I don't need the< {app}> app anymore[, {keep_data} its data]
      get rid of my< {app}> app[ and {keep_data} its data]`,
    test: `
      = I no longer need the app< {app}>[, {keep_data} the data]
      get rid of the< {app}> app[ and {keep_data} its data]
      take the< {app}> app off the phone[ and {keep_data} its data]`,
    many: `(uninstall|remove|delete) the apps *{app}*`,
    manyTest: `take the apps *{app}* off my phone`,
  },
  {
    names: 'set_do_not_disturb|silence_phone|quiet_mode',
    description: 'Silence the phone for some minutes',
    params: ['minutes|duration|length: 10..180 by 5'],
    train: `
      (silence|mute) my phone< for {minutes} minutes>
      do not disturb me< for the next {minutes} minutes>
      (turn on|start) quiet mode< for {minutes} minutes>
      = I (want|need) quiet< for {minutes} minutes>
      = I want my phone quiet< for {minutes} minutes>`,
    test: `
      mute the phone< for the next {minutes} minutes>
      = I want quiet mode< for {minutes} minutes>
      silence the phone< for the next {minutes} minutes>`,
  },
  {
    names: 'set_wallpaper|change_wallpaper|wallpaper',
    description: 'Change the wallpaper of a screen',
    params: ['picture|image|photo: album', 'screen|target?: home/lock'],
    train: `
      (set|use) the picture< {picture}> as[ {screen} screen] wallpaper
      (change|set) my[ {screen} screen] wallpaper< to {picture}>
      (use|put) the photo< {picture}> as my[ {screen} screen] wallpaper
      = I want <{picture}~another picture> as my[ {screen} screen] wallpaper
      make <{picture}~another picture> my[ {screen} screen] wallpaper`,
    test: `
      use <{picture}~another picture> as the[ {screen} screen] wallpaper
      = I want the photo< {picture}> as my[ {screen} screen] wallpaper
      put the picture< {picture}> as my[ {screen} screen] wallpaper`,
    many: `use the picture *{picture} as {screen} screen wallpaper*`,
    manyTest: `change the wallpaper *of the {screen} screen to {picture}*`,
  },
]);
