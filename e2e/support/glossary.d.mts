export function unmet(): RegExp;
