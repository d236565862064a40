package auth

// Refusal says to a person what is wrong with what they typed.
type Refusal string

// Error implements error; the text is a sentence and may be shown.
func (r Refusal) Error() string { return string(r) }
