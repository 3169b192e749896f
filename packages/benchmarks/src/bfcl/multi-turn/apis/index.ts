/** The eight simulated APIs of BFCL v3. */
import type { Api } from './api.ts';
import { fileSystemApi } from './file-system.ts';
import { mathApi } from './math.ts';
import { messageApi } from './message.ts';
import { ticketApi } from './ticket.ts';
import { tradingApi } from './trading.ts';
import { travelApi } from './travel.ts';
import { twitterApi } from './twitter.ts';
import { vehicleApi } from './vehicle.ts';

export const APIS: readonly Api[] = [
  fileSystemApi,
  mathApi,
  messageApi,
  twitterApi,
  ticketApi,
  tradingApi,
  travelApi,
  vehicleApi,
];
