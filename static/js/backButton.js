// Hears the browser's Back before Turbo does: browsers call who listens on the window in their order.

import { handleBack } from './chat/dialogs/overlayHistory.js';

handleBack();
