// What must have happened before any other module of ours is loaded.

import { collectFaults } from "./faults";
import { repairNavigator } from "./language";

collectFaults();
repairNavigator(navigator);
