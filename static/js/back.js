// Hears the browser's Back before Turbo does: browsers call who listens on the window in their order.

import { closeByBack } from './chat/dialogs/above.js';

closeByBack();
