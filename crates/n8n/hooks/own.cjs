'use strict';
// The external hooks of a customer's own n8n (EXTERNAL_HOOK_FILES): nothing of what it does is changed but how its workers stop.
require('./leave.cjs').leave();

module.exports = {};
