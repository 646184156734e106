#include "harness.h"
void xdp_rule_cases(struct fixture *fixture)
{
	(void)fixture;
}
